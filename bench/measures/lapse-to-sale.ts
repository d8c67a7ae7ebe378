import { join } from "node:path";

import type { Redis } from "ioredis";

import { saleKeys } from "../../src/ledger/keys.ts";
import { readRecords } from "../../src/ledger/records.ts";
import type { Measure } from "../measure.ts";
import { openSale } from "../sales.ts";
import { startNode } from "../servers/node.ts";
import { BenchRedis } from "../servers/redis.ts";
import { startWorker } from "../servers/worker.ts";
import { spreadOf } from "../statistics.ts";

/**
 * Hold times, a sale each. The worker sweeps and the node asks in steps of 200 ms: were the holds
 * multiples of that, each lapse would fall into the same moment between two steps.
 */
const holdsMs = [1_000, 1_043, 1_087, 1_131, 1_173] as const;
/** Of one round, in milliseconds: about four lapses a sale. */
const roundMs = 6_000;
/** Between two requests of a buyer. */
const askEveryMs = 3;
const requestTimeoutMs = 5_000;

/** From the deadline of a hold to the next sale of its ticket, to buyers who keep asking. */
export const measureLapseToSale: Measure = async (bench) => {
  const { workshop, options, print } = bench;
  const redis = await BenchRedis.start(workshop, "lapse-redis");
  const settings = { redis, sale: "lapse-1-0", durability: "memory", profileFolder: null } as const;
  const node = await startNode(workshop, "lapse-node", settings);
  const delaysMs: number[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const sales = holdsMs.map((_, index) => `lapse-${round}-${index}`);
    for (const [index, sale] of sales.entries()) {
      await openSale(redis.url, sale, 1, [node.url], { holdMs: holdsMs[index] ?? holdsMs[0] });
    }
    const database = `sqlite://${join(workshop.folder, `lapse-${round}.sqlite`)}`;
    // A new one each round, since the steps of worker and node keep their distance for long.
    const name = `lapse-worker-${round}`;
    const worker = await startWorker(workshop, name, { redisUrl: redis.url, database });
    const untilMs = performance.now() + roundMs;
    await Promise.all(sales.map((sale) => keepAsking(`${node.url}/sales/${sale}/orders`, untilMs)));
    await workshop.end(worker);
    const seen = await Promise.all(sales.map((sale) => readDelaysMs(redis.client, sale)));
    delaysMs.push(...seen.flat());
    const { median, max } = spreadOf(seen.flat());
    print(
      `lapseToSale: round ${round} of ${options.rounds}: median ${median} ms, longest ${max} ms`,
    );
  }
  await workshop.end(node.process);
  await redis.stop(workshop);
  return [
    {
      kind: "figure",
      id: "lapseToSale",
      what: "from the lapse of a hold to the next sale of its ticket",
      unit: "ms",
      atMost: null,
      figure: spreadOf(delaysMs),
      notes: [
        "an absolute figure, made of steps of time: the worker looks for lapsed holds and the node " +
          "for stock that came back, each 200 ms unless it is set otherwise",
        `by the ledger's clock, payBy to heldAt; one node, one worker, ${holdsMs.length} sales of ` +
          `one ticket at a time, each with a buyer who asks every ${askEveryMs} ms`,
      ],
    },
  ];
};

/** One buyer: asks, is told "sold" or "sold out", and asks again. */
async function keepAsking(url: string, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    const response = await fetch(url, {
      method: "POST",
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const text = await response.text();
    if (response.status !== 201 && response.status !== 410) {
      throw new Error(`${url} answered ${response.status} ${text}`);
    }
    await Bun.sleep(askEveryMs);
  }
}

/** The sale has one ticket, so each order but the first is for the one that lapsed before. */
async function readDelaysMs(client: Redis, sale: string): Promise<number[]> {
  const keys = saleKeys(sale);
  const records = new Map(Object.entries(await client.hgetall(keys.orders)));
  const batches = new Map(Object.entries(await client.hgetall(keys.batches)));
  const orders = [...readRecords(records, batches).values()].sort((a, b) => a.serial - b.serial);
  return orders.slice(1).map((order, index) => {
    const lapsed = orders[index];
    if (lapsed?.cause !== "lapsed") {
      throw new Error(`sale ${sale}: order ${lapsed?.serial} is ${lapsed?.cause}, not lapsed`);
    }
    return order.heldAtMs - lapsed.payByMs;
  });
}
