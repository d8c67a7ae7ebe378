import type { Bench } from "../measure.ts";
import { demandStatus, runOha } from "../oha.ts";
import { openSale } from "../sales.ts";
import { type BenchNode, startNode } from "./node.ts";
import { BenchRedis } from "./redis.ts";

const tickets = 10_000;
const patienceMs = 10_000;

export interface SoldOutNode {
  readonly node: BenchNode;
  readonly redis: BenchRedis;
  readonly sold: number;
}

/** A node that has sold everything and has learnt which keys were sold, as it is in a rush. */
export async function startSoldOutNode(bench: Bench, name: string): Promise<SoldOutNode> {
  const { workshop, options } = bench;
  const redis = await BenchRedis.start(workshop, `${name}-redis`);
  await openSale(redis.url, "bench-0", tickets);
  const { profileFolder } = options;
  const settings = { redis, sale: "bench-0", durability: "memory", profileFolder } as const;
  const node = await startNode(workshop, `${name}-node`, settings);
  const { connections } = options;
  const url = `${node.url}/buy/ticket`;
  demandStatus(await runOha(workshop, { url, requests: tickets, connections }), 201);
  demandStatus(await runOha(workshop, { url, requests: connections, connections }), 410);
  // It reads the sold keys once it has been sold out for a whole heartbeat; HSCAN is that reading.
  const lastMs = performance.now() + patienceMs;
  while (!/cmdstat_hscan:calls=[1-9]/.test(await redis.client.info("commandstats"))) {
    if (performance.now() > lastMs) {
      throw new Error(`the node did not read the sold keys within ${patienceMs} ms`);
    }
    await Bun.sleep(50);
  }
  return { node, redis, sold: tickets };
}
