import { join } from "node:path";

import { inheritedEnvironment } from "../config.ts";
import type { Process, Workshop } from "../workshop.ts";
import type { BenchRedis } from "./redis.ts";

const entry = join(import.meta.dir, "..", "..", "src", "node", "main.ts");

export interface NodeOptions {
  readonly redis: BenchRedis;
  readonly sale: string;
  readonly durability: "memory" | "primary";
  /** A folder for a profile of the processor time (`--cpu-prof-md`), or null. */
  readonly profileFolder: string | null;
}

/** A ticket node as it is deployed, but from source. */
export interface BenchNode {
  readonly process: Process;
  readonly pid: number;
  readonly url: string;
}

/** Starts a node and waits until it is able to sell. Its bounds can be set by SLUICE_ variables. */
export async function startNode(
  workshop: Workshop,
  name: string,
  options: NodeOptions,
): Promise<BenchNode> {
  const port = workshop.port();
  const { redis, sale, durability, profileFolder } = options;
  const profile =
    profileFolder === null ? [] : ["--cpu-prof-md", `--cpu-prof-dir=${profileFolder}`];
  const child = workshop.start({
    name,
    command: [process.execPath, ...profile, entry],
    environment: {
      ...inheritedEnvironment(),
      // As long as the bare servers' X-Sluice-Node.
      SLUICE_NODE: "bench",
      SLUICE_LISTEN: `127.0.0.1:${port}`,
      SLUICE_REDIS: redis.url,
      SLUICE_DURABILITY: durability,
      SLUICE_SALE: sale,
      SLUICE_DRAIN_MS: "0",
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await workshop.untilReady(child, async () => (await fetch(`${url}/readyz`)).ok);
  return { process: child, pid: child.pid, url };
}
