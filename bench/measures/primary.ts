import { compareAnswers, compareLoads } from "../compare-loads.ts";
import { type Measure, scaled } from "../measure.ts";
import { openSale } from "../sales.ts";
import { startNode } from "../servers/node.ts";
import { BenchRedis } from "../servers/redis.ts";
import { targets } from "../targets.ts";

/** What it costs to be told "sold" only once it is on disk. Two nodes, each with its own Redis. */
export const measurePrimary: Measure = async (bench) => {
  const { workshop, options } = bench;
  const { profileFolder } = options;
  const start = async (durability: "memory" | "primary") => {
    const redis = await BenchRedis.start(workshop, `${durability}-redis`);
    const way = durability === "primary" ? await redis.prepareForPrimary() : "";
    await openSale(redis.url, "bench-0", 100_000_000);
    const settings = { redis, sale: "bench-0", durability, profileFolder };
    const node = await startNode(workshop, `${durability}-node`, settings);
    return { node, redis, way, url: `${node.url}/buy/ticket` };
  };
  const memory = await start("memory");
  const primary = await start("primary");
  const side = ({ node, redis, url }: typeof memory, name: string) => ({
    name,
    url,
    status: 201,
    servers: { node: [node.pid], redis: [redis.pid] },
  });
  const sizes = await compareAnswers(primary.url, memory.url);
  const result = await compareLoads(bench, {
    id: "primary",
    what: "sold path, durability primary against memory",
    atLeast: targets.primaryRatioMin,
    ours: side(primary, "primary"),
    other: side(memory, "memory"),
    requests: scaled(bench, 80_000),
    notes: [
      `primary: ${primary.way}; memory: append-only file, fsync each second`,
      `both files on ${await workshop.fileSystem()}`,
      sizes,
    ],
  });
  for (const { node, redis } of [memory, primary]) {
    await workshop.end(node.process);
    await redis.stop(workshop);
  }
  return [result];
};
