import type { Redis } from "ioredis";

import { Connection, type ConnectionOptions } from "../connection.ts";
import { orderGroup, saleKeys } from "../keys.ts";
import type { StreamEntry } from "./entry.ts";

export interface StreamReaderOptions extends ConnectionOptions {
  /** Name of this worker within the group. */
  readonly consumer: string;
  /** How long a read waits for something new. */
  readonly blockMs: number;
  /** How long Redis may take beyond that before the connection is given up. */
  readonly replyTimeoutMs: number;
}

/** A read that waits. */
export interface WaitingRead {
  /** The array that it was asked with. */
  readonly sales: readonly string[];
  /** By which the server knows its connection, once it is known to us. Rejects with the connection. */
  readonly clientId: Promise<number>;
}

type RawEntry = readonly [id: string, fields: string[] | null];
type RawReading = readonly (readonly [stream: string, entries: readonly RawEntry[]])[] | null;

/**
 * Reads the outboxes of many sales in one consumer group. It has a connection of its own, since a
 * read waits. A read whose reply is lost has delivered all the same: what was in it is pending,
 * and `readPending` reads it after the next connect, which `generation` shows.
 */
export class StreamReader {
  readonly connection: Connection;
  readonly #options: StreamReaderOptions;
  readonly #clientIds = new WeakMap<Redis, Promise<number>>();
  #waiting: WaitingRead | null = null;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.connection = new Connection(options);
  }

  /** Grows with every connection; 0 while there is none. */
  get generation(): number {
    return this.connection.live?.generation ?? 0;
  }

  /** The read that waits for something new; null: none does. */
  get waiting(): WaitingRead | null {
    return this.#waiting;
  }

  /**
   * What no worker has seen yet: up to `count` entries of each sale, those that are there `at
   * once`, or `waiting` for the first. Another connection may end the wait, by the id in `waiting`.
   */
  async readNew(
    sales: readonly string[],
    count: number,
    how: "at once" | "waiting",
  ): Promise<StreamEntry[]> {
    const { consumer, blockMs, replyTimeoutMs } = this.#options;
    const streams = sales.map((sale) => saleKeys(sale).events);
    const names = ["STREAMS", ...streams, ...streams.map(() => ">")] as const;
    const who = ["GROUP", orderGroup, consumer, "COUNT", count] as const;
    const waitMs = how === "waiting" ? blockMs : 0;
    const raw = await this.connection.call(waitMs + replyTimeoutMs, async ({ client }) => {
      if (how === "at once") {
        return await client.xreadgroup(...who, ...names);
      }
      // Waiting from here on, before anything else happens: whoever ends the wait must not miss it.
      const clientId = this.#clientIds.get(client) ?? client.client("ID");
      this.#clientIds.set(client, clientId);
      this.#waiting = { sales, clientId };
      try {
        await clientId;
        return await client.xreadgroup(...who, "BLOCK", blockMs, ...names);
      } finally {
        this.#waiting = null;
      }
    });
    const saleOf = new Map(streams.map((stream, index) => [stream, sales[index] ?? ""]));
    return ((raw ?? []) as NonNullable<RawReading>).flatMap(([stream, entries]) =>
      toEntries(saleOf.get(stream) ?? "", entries),
    );
  }

  /** What this worker was given after the id `after` and has not acknowledged, oldest first. */
  async readPending(sale: string, after: string, count: number): Promise<StreamEntry[]> {
    const { consumer, replyTimeoutMs } = this.#options;
    const raw = (await this.connection.call(replyTimeoutMs, ({ client }) =>
      client.xreadgroup(
        ...(["GROUP", orderGroup, consumer, "COUNT", count] as const),
        ...(["STREAMS", saleKeys(sale).events, after] as const),
      ),
    )) as RawReading;
    return toEntries(sale, raw?.[0]?.[1] ?? []);
  }
}

/** Entries out of a reply of Redis. */
export function toEntries(sale: string, raw: readonly RawEntry[]): StreamEntry[] {
  return raw.map(([id, fields]) => ({ sale, id, fields }));
}
