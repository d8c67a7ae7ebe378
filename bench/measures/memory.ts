import { type Measure, scaled } from "../measure.ts";
import { demandStatus, runOha } from "../oha.ts";
import { residentBytesOf } from "../process-costs.ts";
import { openSale } from "../sales.ts";
import { startNode } from "../servers/node.ts";
import { BenchRedis } from "../servers/redis.ts";
import { spreadOf } from "../statistics.ts";
import { targets } from "../targets.ts";

const soldShare = 0.2;

function inMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** Resident memory of one node after a million requests, a fifth of them sold. */
export const measureMemory: Measure = async (bench) => {
  const { workshop, options, print } = bench;
  const requests = scaled(bench, 1_000_000);
  const tickets = Math.round(requests * soldShare);
  const redis = await BenchRedis.start(workshop, "memory-redis");
  await openSale(redis.url, "bench-0", tickets);
  const node = await startNode(workshop, "memory-node", {
    redis,
    sale: "bench-0",
    durability: "memory",
    profileFolder: null,
  });
  const fresh = residentBytesOf(node.pid).now;
  const { connections } = options;
  const url = `${node.url}/buy/ticket`;
  print(`memory: ${requests} requests`);
  demandStatus(await runOha(workshop, { url, requests: tickets, connections }), 201);
  const afterSales = residentBytesOf(node.pid).now;
  demandStatus(await runOha(workshop, { url, requests: requests - tickets, connections }), 410);
  const { now, highest } = residentBytesOf(node.pid);
  await workshop.end(node.process);
  await redis.stop(workshop);
  return [
    {
      kind: "figure",
      id: "memory",
      what: `resident memory of a node after ${requests} requests`,
      unit: "MB",
      atMost: targets.residentMegabytesMax,
      figure: spreadOf([now / 1e6]),
      notes: [
        `${inMegabytes(fresh)} MB before, ${inMegabytes(afterSales)} MB after ${tickets} sold, ` +
          `${inMegabytes(now)} MB after ${requests - tickets} refused; at most ` +
          `${inMegabytes(highest)} MB in between (of a million bytes)`,
        "the node keeps the sold keys in memory, as it does for up to SLUICE_SOLD_ORDERS_MAX",
      ],
    },
  ];
};
