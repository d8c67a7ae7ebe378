import { randomBytes } from "node:crypto";

import type { Redis } from "ioredis";

import { callScript } from "../src/ledger/call-script.ts";
import { nodesKey, saleKeys } from "../src/ledger/keys.ts";
import { encodeHoldBatch } from "../src/ledger/script-codec.ts";
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
  const keys = [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, nodesKey];
  // Tokens and hashes of the right form; that they follow from keys is the nodes' business.
  const requests = Array.from({ length: count }, () => ({
    token: randomBytes(16).toString("base64url"),
    buyer: "",
    quantity: 1,
    hash: randomBytes(8).toString("base64url"),
  }));
  const secretId = (await redis.hget(k.stock, "secretId")) ?? "";
  const ref = `bench.${randomBytes(6).toString("hex")}`;
  const pairs = encodeHoldBatch({ ref, secretId, requests });
  const args = ["bench", 1, 0, secretId, ref, ...pairs];
  const reply = (await callScript(redis, scripts.hold, keys, args)) as (string | number)[];
  if (reply[0] !== scriptStatus.done || reply.at(-1) !== "[]") {
    throw new Error(`not all of ${count} tickets of ${sale} were sold: ${JSON.stringify(reply)}`);
  }
}
