import { compareAnswers, compareLoads } from "../compare-loads.ts";
import { type Measure, scaled } from "../measure.ts";
import { openSale } from "../sales.ts";
import { startNode } from "../servers/node.ts";
import { BenchRedis } from "../servers/redis.ts";
import { startScript } from "../servers/script-server.ts";
import { targets } from "../targets.ts";

/** The whole sold path of one node (key made by the node, script, order, stream) in memory. */
export const measureSold: Measure = async (bench) => {
  const { workshop, options } = bench;
  const redis = await BenchRedis.start(workshop, "sold-redis");
  await openSale(redis.url, "bench-0", 100_000_000);
  const { profileFolder } = options;
  const settings = { redis, sale: "bench-0", durability: "memory", profileFolder } as const;
  const node = await startNode(workshop, "sold-node", settings);
  const bare = await startScript(workshop, "bare-async.ts");
  const [url, bareUrl] = [`${node.url}/buy/ticket`, `${bare.url}/buy/ticket`];
  const sizes = await compareAnswers(url, bareUrl);
  const result = await compareLoads(bench, {
    id: "sold",
    what: "sold path of one node, memory, against a bare async handler",
    atLeast: targets.soldRatioMin,
    ours: { name: "node", url, status: 201, servers: { node: [node.pid], redis: [redis.pid] } },
    other: { name: "bare async", url: bareUrl, status: 201, servers: { bare: [bare.pid] } },
    requests: scaled(bench, 80_000),
    notes: [
      sizes,
      `Redis ${redis.version}, redis/redis.conf (append-only file, fsync each second)`,
    ],
  });
  await workshop.end(bare.process);
  await workshop.end(node.process);
  await redis.stop(workshop);
  return [result];
};
