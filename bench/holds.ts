import { randomBytes } from "node:crypto";

import type { Redis } from "ioredis";

import { callScript } from "../src/ledger/call-script.ts";
import { nodesKey, saleKeys } from "../src/ledger/keys.ts";
import { encodeHoldRequests } from "../src/ledger/script-codec.ts";
import { scriptStatus } from "../src/ledger/script-status.ts";
import { scripts } from "../src/ledger/scripts.ts";

/** As many as hold.lua takes. */
const batchMax = 1_000;
/** What nodes send at this pace: a batch each ten milliseconds. */
const paceMs = 10;

/** Sells one ticket to each of `count` buyers, as nodes do. Throws unless each of them got one. */
export async function makeHolds(redis: Redis, sale: string, count: number): Promise<void> {
  for (let made = 0; made < count; made += batchMax) {
    await hold(redis, sale, Math.min(batchMax, count - made));
  }
}

/**
 * The same at an even pace; a batch that is late is made up for at once. Returns how long it took,
 * in seconds.
 */
export async function makeHoldsAtPace(
  redis: Redis,
  sale: string,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<number> {
  const startMs = performance.now();
  const batch = (perSecond * paceMs) / 1_000;
  for (let made = 0; made < count; made += batch) {
    const dueMs = startMs + (made / perSecond) * 1_000;
    await Bun.sleep(Math.max(0, dueMs - performance.now()));
    await hold(redis, sale, Math.min(batch, count - made));
  }
  return (performance.now() - startMs) / 1_000;
}

async function hold(redis: Redis, sale: string, count: number): Promise<void> {
  const k = saleKeys(sale);
  const keys = [k.stock, k.requests, k.orders, k.buyers, k.deadlines, k.events, nodesKey];
  const requests = Array.from({ length: count }, () => ({
    key: randomBytes(16).toString("hex"),
    buyer: "",
    quantity: 1,
    token: randomBytes(8).toString("hex"),
  }));
  const args = ["bench", 1, 0, encodeHoldRequests(requests)];
  const reply = (await callScript(redis, scripts.hold, keys, args)) as (string | number)[];
  const results = reply[0] === scriptStatus.done ? (JSON.parse(String(reply[7])) as unknown[]) : [];
  const sold = results.filter((result) => typeof result === "number" && result > 0).length;
  if (sold !== count) {
    throw new Error(`sold ${sold} of ${count} tickets of ${sale}: ${JSON.stringify(reply)}`);
  }
}
