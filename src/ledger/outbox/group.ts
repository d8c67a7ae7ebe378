import type { Redis } from "ioredis";

import { batchRefOf, type OrderBatch, readOrderRecord } from "../../sale/order.ts";
import { saleIdPattern } from "../../sale/sale.ts";
import { callScript } from "../call-script.ts";
import { Connection, type ConnectionOptions } from "../connection.ts";
import { changedKey, orderGroup, saleKeys, salesKey } from "../keys.ts";
import { outboxScripts, scripts } from "../scripts.ts";
import type { LedgerUnavailable } from "../unavailable.ts";
import type { DeadRecord } from "./dead-letters.ts";
import { readBatchRow, type StreamEntry } from "./entry.ts";
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
  /** Moved by every entry that is added to an outbox. */
  readonly added: number;
}

export interface Lapse {
  /** Holds that went back on sale. */
  readonly released: number;
  /** There may be more that are overdue. */
  readonly more: boolean;
  /** Refs of batches with overdue holds that the outbox does not name: see `lapseBatch`. */
  readonly broken: readonly string[];
}

export interface Trim {
  /** Entries. */
  readonly forgotten: number;
  /** A batch with held orders keeps what is left. */
  readonly pinned: boolean;
}

/** Orders read at a time when all of a sale are read: about a millisecond of Redis. */
const scanCount = 500;

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
      return {
        nowMs: toMilliseconds(time as [string, string]),
        changed: Number(changed ?? 0),
        added: Number(/^cmdstat_xadd:calls=(\d+)/m.exec(String(stats))?.[1] ?? 0),
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

  /**
   * Makes dead letters of records of an entry, once, and acknowledges it: all others in it are
   * stored. Returns how many; 0: another worker did, or stored it.
   */
  async moveToDeadLetters(
    sale: string,
    id: string,
    records: readonly DeadRecord[],
  ): Promise<number> {
    const { events, dead } = saleKeys(sale);
    const args = records.flatMap(({ place, reason, token, record }) => [
      place,
      reason.slice(0, reasonMax),
      token,
      record,
    ]);
    const { deadLetter } = outboxScripts;
    return Number(
      await this.#call((c) => callScript(c, deadLetter, [events, dead], [orderGroup, id, ...args])),
    );
  }

  /** What the tokens of a sale are made with; null where the ledger has none. */
  readSecret(sale: string): Promise<string | null> {
    return this.#call((client) => client.get(saleKeys(sale).secret));
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
    const args = ["lapsed", 0, most, Date.now()];
    const raw = await this.#call((c) => callScript(c, scripts.release, releaseKeys(sale), args));
    const [, , , , released, more, broken] = raw as readonly unknown[];
    const refs = JSON.parse(String(broken)) as string[];
    return { released: Number(released), more: more === 1, broken: refs };
  }

  /**
   * Releases the overdue holds of a batch whose entry in the outbox is gone, or names other orders:
   * reads all orders of the sale for it, and leaves those that it cannot read. Returns how many were
   * released.
   */
  async lapseBatch(sale: string, ref: string): Promise<number> {
    const { orders, batches } = saleKeys(sale);
    const row = await this.#call((client) => client.hget(batches, ref));
    const batch = row === null ? null : readBatchRow(ref, row);
    let released = 0;
    let cursor = "0";
    do {
      const from = cursor;
      const [next, pairs] = await this.#call((c) => c.hscan(orders, from, "COUNT", scanCount));
      const named: (string | number)[] = [];
      for (let i = 0; i < pairs.length; i += 2) {
        const [token = "", record = ""] = [pairs[i], pairs[i + 1]];
        const serial = batch === null ? null : serialWithin(batch, token, record);
        if (serial !== null) {
          named.push(serial, token);
        }
      }
      if (named.length > 0) {
        const args = ["lapsed", 0, JSON.stringify(named), Date.now()];
        const raw = await this.#call((c) =>
          callScript(c, scripts.release, releaseKeys(sale), args),
        );
        released += Number((raw as readonly unknown[])[4]);
      }
      cursor = next;
    } while (cursor !== "0");
    return released;
  }

  /** Forgets the oldest entries that are stored, as far as `keep` records stay. */
  async trim(sale: string, keep: number, most: number): Promise<Trim> {
    const { stock, events, batches } = saleKeys(sale);
    // Most sales never have so many: they cost no script.
    if (Number(await this.#call((client) => client.hget(stock, "records"))) <= keep) {
      return { forgotten: 0, pinned: false };
    }
    const [forgotten, pinned] = (await this.#call((c) =>
      callScript(c, outboxScripts.trimEvents, [stock, events, batches], [keep, most]),
    )) as [number, number];
    return { forgotten, pinned: pinned === 1 };
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

function releaseKeys(sale: string): string[] {
  const k = saleKeys(sale);
  return [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, changedKey];
}

/** The serial of an order that names this batch; null: it names another one, or cannot be read. */
function serialWithin(batch: OrderBatch, token: string, record: string): number | null {
  if (batchRefOf(record) !== batch.ref) {
    return null;
  }
  try {
    return readOrderRecord(token, record, batch).serial;
  } catch {
    return null; // Audit names it; the other orders of its batch are not to wait for that.
  }
}

/** The group or the stream is gone: Redis lost its data, or an older replica took over. */
export function isGroupMissing(error: LedgerUnavailable): boolean {
  return error.message.startsWith("NOGROUP");
}
