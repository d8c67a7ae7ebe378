import { join } from "node:path";

import { compareLoads, type LoadedSide } from "../compare-loads.ts";
import { type Bench, type Measure, scaled } from "../measure.ts";
import type { RatioResult } from "../result.ts";
import { openSale } from "../sales.ts";
import { type BenchNode, startNode } from "../servers/node.ts";
import { BenchRedis } from "../servers/redis.ts";
import { startScript } from "../servers/script-server.ts";
import { startSoldOutNode } from "../servers/sold-out-node.ts";

const plain = "one lock, one Lua call per sale, a log line per request";

/** What batching and the latch bring: one node against the plain design, both on Bun. */
export const measureBaseline: Measure = async (bench) => [
  await compareSold(bench),
  await compareRefused(bench),
];

async function compareSold(bench: Bench): Promise<RatioResult> {
  const { workshop } = bench;
  const redis = await BenchRedis.start(workshop, "baseline-redis");
  await openSale(redis.url, "bench-0", 100_000_000);
  const node = await startNode(workshop, "baseline-node", {
    redis,
    sale: "bench-0",
    durability: "memory",
    profileFolder: null,
  });
  return against(bench, "baselineSold", "sold per second", { node, redis, status: 201 });
}

async function compareRefused(bench: Bench): Promise<RatioResult> {
  const { node, redis } = await startSoldOutNode(bench, "baseline-refused");
  return against(bench, "baselineRefused", "refused per second", { node, redis, status: 410 });
}

interface Ours {
  readonly node: BenchNode;
  readonly redis: BenchRedis;
  readonly status: 201 | 410;
}

async function against(
  bench: Bench,
  id: string,
  what: string,
  { node, redis, status }: Ours,
): Promise<RatioResult> {
  const { workshop } = bench;
  const tickets = status === 201 ? "100000000" : "0";
  const logFile = join(workshop.folder, `${id}-requests.log`);
  const baseline = await startScript(workshop, "../baseline/main.ts", redis.url, logFile, tickets);
  const side = (name: string, server: { url: string; pid: number }): LoadedSide => ({
    name,
    url: `${server.url}/buy/ticket`,
    status,
    servers: { server: [server.pid], redis: [redis.pid] },
  });
  const result = await compareLoads(bench, {
    id,
    what: `${what}, one node against the plain design on Bun`,
    atLeast: null,
    ours: side("node", node),
    other: side("plain design", baseline),
    requests: scaled(bench, status === 201 ? 80_000 : 120_000),
    otherRequests: scaled(bench, 30_000),
    notes: [
      `the plain design: ${plain}`,
      "the same Redis, durability memory; the plain design keeps no order, key or event",
      `its log is on ${await workshop.fileSystem()}`,
    ],
  });
  await workshop.end(baseline.process);
  await workshop.end(node.process);
  await redis.stop(workshop);
  return result;
}
