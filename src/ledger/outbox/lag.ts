import type { Redis } from "ioredis";

import { orderGroup, saleKeys } from "../keys.ts";
import { recordsUpTo } from "./entry.ts";

/** How far the order workers are behind a sale. */
export interface StreamLag {
  /** Order records that are not stored: those since the last entry up to which all is stored. */
  readonly records: number;
  /** Entries that are not stored: delivered but not acknowledged, and not delivered yet. */
  readonly entries: number;
  /** Age of the oldest of them, by the ledger's clock; 0 if there is none. */
  readonly seconds: number;
  /** Entries in the stream, stored or not. */
  readonly length: number;
  readonly deadLetters: number;
}

/** Where Redis does not know how many entries are undelivered, they are counted up to this many. */
const countedMax = 1_000;

/** Reads the lag of one sale. Null: its stream, or the group on it, is not there. */
export async function readLag(client: Redis, sale: string): Promise<StreamLag | null> {
  const { events, dead, stock } = saleKeys(sale);
  const length = await client.xlen(events);
  const groups = length === 0 ? [] : ((await client.xinfo("GROUPS", events)) as unknown[][]);
  const group = groups.map(toFields).find((fields) => fields.get("name") === orderGroup);
  if (group === undefined) {
    return null;
  }
  const lag = group.get("lag");
  const after = `(${String(group.get("last-delivered-id"))}`;
  const count = typeof lag === "number" ? 1 : countedMax;
  // One round trip for all of these.
  const [[pending, oldestPending], next, time, deadLetters, records] = await Promise.all([
    client.xpending(events, orderGroup) as Promise<[number, string | null]>,
    lag === 0 ? [] : client.xrange(events, after, "+", "COUNT", count),
    client.time(),
    client.xlen(dead),
    client.hget(stock, "records"),
  ]);
  const undelivered = typeof lag === "number" ? lag : next.length;
  const nowMs = toMilliseconds(time);
  // What is pending was delivered before whatever is not.
  const oldest = oldestPending ?? next[0]?.[0] ?? null;
  return {
    records: oldest === null ? 0 : Number(records) - (await countStored(client, events, oldest)),
    entries: pending + undelivered,
    seconds: oldest === null ? 0 : Math.max(0, nowMs - Number(oldest.split("-")[0])) / 1_000,
    length,
    deadLetters,
  };
}

/** Records of the sale before an entry, as the entry before it counts them. */
async function countStored(client: Redis, events: string, entry: string): Promise<number> {
  const [before] = await client.xrevrange(events, `(${entry}`, "-", "COUNT", 1);
  return before === undefined ? 0 : (recordsUpTo({ fields: before[1] }) ?? 0);
}

/** What TIME answers, in milliseconds. */
export function toMilliseconds([seconds, microseconds]: readonly (string | number)[]): number {
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}

function toFields(flat: readonly unknown[]): Map<unknown, unknown> {
  const fields = new Map<unknown, unknown>();
  for (let i = 0; i < flat.length; i += 2) {
    fields.set(flat[i], flat[i + 1]);
  }
  return fields;
}
