import { join } from "node:path";

import { inheritedEnvironment } from "../config.ts";
import { runHyperfine } from "../hyperfine.ts";
import type { Measure } from "../measure.ts";
import { openSale } from "../sales.ts";
import { BenchRedis } from "../servers/redis.ts";
import { spreadOf } from "../statistics.ts";
import { buildNode, nodeEntry } from "./compiled-node.ts";

/** Runs for each round that the comparisons have: a start is short. */
const runsPerRound = 4;

/** How long a node takes from nothing to being able to sell: compiled, and from source. */
export const measureColdStart: Measure = async (bench) => {
  const { workshop, options } = bench;
  const redis = await BenchRedis.start(workshop, "cold-redis");
  await openSale(redis.url, "bench-0", 1_000);
  const port = workshop.port();
  const { binary, megabytes } = await buildNode(workshop);
  const environment = {
    ...inheritedEnvironment(),
    SLUICE_NODE: "bench",
    SLUICE_LISTEN: `127.0.0.1:${port}`,
    SLUICE_REDIS: redis.url,
    SLUICE_SALE: "bench-0",
    SLUICE_DURABILITY: "memory",
  };
  const time = async (id: string, what: string, command: string[], note: string) => ({
    kind: "figure" as const,
    id,
    what,
    unit: "ms",
    atMost: null,
    figure: spreadOf(
      (
        await runHyperfine(workshop, {
          name: id,
          command: [join(import.meta.dir, "..", "cold-start"), String(port), ...command],
          runs: options.rounds * runsPerRound,
          environment,
        })
      ).map((seconds) => seconds * 1_000),
    ),
    notes: [
      "from exec to 200 of /readyz: it listens, has reached Redis and knows the sale; looked at " +
        "every millisecond, the shell that looks included; files in the page cache",
      note,
    ],
  });
  const compiled = await time(
    "coldStart",
    "compiled node, from start to able to sell",
    [binary],
    `bun build --compile --minify --bytecode: one file of ${megabytes} MB`,
  );
  const source = await time(
    "coldStartSource",
    "the same from source",
    [process.execPath, nodeEntry],
    `bun ${Bun.version}`,
  );
  await redis.stop(workshop);
  return [compiled, source];
};
