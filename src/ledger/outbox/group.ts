import type { Redis } from "ioredis";

import { saleIdPattern } from "../../sale/sale.ts";
import { callScript } from "../call-script.ts";
import { Connection, type ConnectionOptions } from "../connection.ts";
import { changedKey, deadLettersKey, orderGroup, saleKeys, salesKey } from "../keys.ts";
import { outboxScripts, scripts } from "../scripts.ts";
import type { LedgerUnavailable } from "../unavailable.ts";
import type { StreamEntry } from "./entry.ts";
import { toMilliseconds } from "./lag.ts";
import { toEntries } from "./reader.ts";

export interface StreamGroupOptions extends ConnectionOptions {
  /** Name of this worker within the group. */
  readonly consumer: string;
  /** A call without an answer for this long fails, and its connection is given up. */
  readonly replyTimeoutMs: number;
}

/** Entries handed over by one XAUTOCLAIM; `next` is where to go on, `0-0` at the end. */
export interface Claim {
  readonly entries: readonly StreamEntry[];
  readonly next: string;
}

/**
 * What tells, for all sales at once, whether anything has happened. Numbers count for one connection:
 * another server counts anew.
 */
export interface Pulse {
  /** The ledger's clock, in milliseconds. */
  readonly nowMs: number;
  /** Moved by whatever changes a sale's definition (see lib/changed.lua), its creation included. */
  readonly changed: number;
  /** Moved by every entry that is added to an outbox, or sent back to the workers. */
  readonly added: number;
}

export interface Lapse {
  /** Holds that went back on sale. */
  readonly released: number;
  /** There may be more that are overdue. */
  readonly more: boolean;
}

/** Reasons in dead letters are cut to this many characters. */
const reasonMax = 500;

/**
 * What order workers ask of the ledger besides reading new entries. Every call may be repeated,
 * is bounded in time, and throws `LedgerUnavailable` where there is no answer.
 */
export class StreamGroup {
  readonly connection: Connection;
  readonly #options: StreamGroupOptions;

  constructor(options: StreamGroupOptions) {
    this.#options = options;
    this.connection = new Connection(options);
  }

  /** Grows with every connection; 0 while there is none. */
  get generation(): number {
    return this.connection.live?.generation ?? 0;
  }

  /** One round trip, however many sales there are. */
  pulse(): Promise<Pulse> {
    return this.#call(async (client) => {
      // The server's own count of what all its clients have called: some ten microseconds of it, and
      // nothing on the path of a purchase.
      const pipeline = client.pipeline().get(changedKey).info("commandstats").time();
      const [changed, stats, time] = ((await pipeline.exec()) ?? []).map(([fault, reply]) => {
        if (fault !== null) {
          throw fault;
        }
        return reply;
      });
      const counts = String(stats).matchAll(/^cmdstat_(?:xadd|xclaim):calls=(\d+)/gm);
      return {
        nowMs: toMilliseconds(time as [string, string]),
        changed: Number(changed ?? 0),
        added: counts.reduce((sum, [, calls]) => sum + Number(calls), 0),
      };
    });
  }

  /** Ends what another connection of this worker waits for, as if its time were over. */
  async unblock(clientId: number): Promise<void> {
    await this.#call((client) => client.client("UNBLOCK", clientId));
  }

  /** Ids of all sales, also of those that are being created. */
  async listSales(): Promise<string[]> {
    const ids = await this.#call((client) => client.smembers(salesKey));
    return ids.filter((id) => saleIdPattern.test(id)).sort();
  }

  /** Makes sure that the group is on a sale's stream, from its start. False: no stream yet. */
  ensureGroup(sale: string): Promise<boolean> {
    return this.#call(async (client) => {
      try {
        await client.xgroup("CREATE", saleKeys(sale).events, orderGroup, "0");
        return true;
      } catch (error) {
        const reason = error instanceof Error ? error.message : "";
        if (reason.startsWith("BUSYGROUP")) {
          return true;
        }
        if (reason.includes("requires the key to exist")) {
          return false;
        }
        throw error;
      }
    });
  }

  /** Reports that entries of a sale are stored. */
  async acknowledge(sale: string, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) {
      await this.#call((client) => client.xack(saleKeys(sale).events, orderGroup, ...ids));
    }
  }

  /** Takes over what any worker, this one included, got `idleMs` ago and has not acknowledged. */
  async claim(sale: string, idleMs: number, start: string, count: number): Promise<Claim> {
    const { consumer } = this.#options;
    const [next, raw] = (await this.#call((client) =>
      client.xautoclaim(
        ...([saleKeys(sale).events, orderGroup, consumer, idleMs, start] as const),
        ...(["COUNT", count] as const),
      ),
    )) as [string, [string, string[]][]];
    return { entries: toEntries(sale, raw), next };
  }

  /** How often an entry was delivered; 0 if it is not pending any more. */
  async tries(sale: string, id: string): Promise<number> {
    const raw = (await this.#call((client) =>
      client.xpending(saleKeys(sale).events, orderGroup, id, id, 1),
    )) as [id: string, consumer: string, idleMs: number, deliveries: number][];
    return raw[0]?.[3] ?? 0;
  }

  /** Moves an entry to the dead letters, once. False: another worker did, or stored it. */
  async moveToDeadLetters(sale: string, id: string, reason: string): Promise<boolean> {
    const keys = [saleKeys(sale).events, deadLettersKey(sale)];
    const args = [orderGroup, id, reason.slice(0, reasonMax)];
    return (await this.#call((c) => callScript(c, outboxScripts.deadLetter, keys, args))) === 1;
  }

  /**
   * When the next hold of each of these sales lapses, by the ledger's clock; null where nothing is
   * held. One round trip for all of them, and no script. A sale that cannot be asked about is one that
   * is overdue, so that its own release reports why.
   */
  nextDeadlines(sales: readonly string[]): Promise<(number | null)[]> {
    return this.#call(async (client) => {
      const pipeline = client.pipeline();
      for (const sale of sales) {
        const { deadlines } = saleKeys(sale);
        pipeline.zrangebyscore(deadlines, "-inf", "+inf", "WITHSCORES", "LIMIT", 0, 1);
      }
      const replies = (await pipeline.exec()) ?? [];
      return sales.map((_sale, index) => {
        const [fault, first] = replies[index] ?? [null, []];
        const [, deadlineMs] = (first ?? []) as [member?: string, score?: string];
        return fault !== null ? -Infinity : deadlineMs === undefined ? null : Number(deadlineMs);
      });
    });
  }

  /** Releases holds that are overdue by the ledger's clock, about `most` of them. */
  async lapse(sale: string, most: number): Promise<Lapse> {
    const k = saleKeys(sale);
    const keys = [k.stock, k.orders, k.buyers, k.deadlines, k.events, changedKey];
    const raw = await this.#call((c) => callScript(c, scripts.release, keys, ["lapsed", 0, most]));
    const [, , , , released, more] = raw as readonly unknown[];
    return { released: Number(released), more: more === 1 };
  }

  /** Forgets the oldest entries that are stored, as far as `keep` stay. Returns how many. */
  async trim(sale: string, keep: number, most: number): Promise<number> {
    const keys = [saleKeys(sale).events];
    return Number(
      await this.#call((c) => callScript(c, outboxScripts.trimEvents, keys, [keep, most])),
    );
  }

  /** Removes workers that were silent for `idleMs` and have nothing pending. Returns how many. */
  async forgetConsumers(sale: string, idleMs: number): Promise<number> {
    const keys = [saleKeys(sale).events];
    const args = [orderGroup, idleMs];
    return Number(
      await this.#call((c) => callScript(c, outboxScripts.forgetConsumers, keys, args)),
    );
  }

  /** Several commands within one bounded call, for what only reads. */
  read<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    return this.#call(work);
  }

  #call<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    return this.connection.call(this.#options.replyTimeoutMs, ({ client }) => work(client));
  }
}

/** The group or the stream is gone: Redis lost its data, or an older replica took over. */
export function isGroupMissing(error: LedgerUnavailable): boolean {
  return error.message.startsWith("NOGROUP");
}
