import { appendFileSync } from "node:fs";
import { join } from "node:path";

import { Redis } from "ioredis";

import { Lock } from "./lock.ts";

/**
 * The design from which Sluice starts, as plainly as it is usually told: one process, local stock
 * first, then one Lua call per sale, one lock around both, and a line per request appended to a
 * log file (opened and closed for each). Written on Bun, so that it is held against a ticket node
 * on equal terms: what differs is the design. It keeps none of Sluice's promises: it knows no
 * order and no key, and an error of Redis is called sold out.
 *
 *   bun bench/baseline/main.ts PORT REDIS_URL LOG_FILE TICKETS
 */
const [port, redisUrl = "", logFile = "", tickets = ""] = Bun.argv.slice(2);
const stockKey = `baseline:{${port}}`;
const script = await Bun.file(join(import.meta.dir, "deduct.lua")).text();

const redis = new Redis(redisUrl);
const sha1 = String(await redis.script("LOAD", script));
await redis.hset(stockKey, { total: tickets, sold: 0 });

const lock = new Lock();
const localTotal = Number(tickets);
let localSold = 0;

async function deduct(): Promise<boolean> {
  if (localSold >= localTotal) {
    return false;
  }
  localSold += 1;
  try {
    return (await redis.evalsha(sha1, 1, stockKey)) === 1;
  } catch {
    return false;
  }
}

async function buy(): Promise<Response> {
  const sold = await lock.hold(deduct);
  appendFileSync(logFile, `result:${sold ? 1 : 0},localSales:${localSold}\n`);
  return sold
    ? Response.json({ code: 1, msg: "You got it", data: null }, { status: 201 })
    : Response.json({ code: -1, msg: "Sold out", data: null }, { status: 410 });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  development: false,
  routes: { "/buy/ticket": { POST: buy } },
});
