import { join } from "node:path";

import { workerVariables } from "../../src/orders/config.ts";
import { inheritedEnvironment } from "../config.ts";
import type { Process, Workshop } from "../workshop.ts";

const entry = join(import.meta.dir, "..", "..", "src", "orders", "main.ts");

export interface WorkerOptions {
  readonly redisUrl: string;
  /** As SLUICE_DATABASE takes it. */
  readonly database: string;
}

/** An order worker as it is deployed, but from source. Its bounds can be set by variables. */
export async function startWorker(
  workshop: Workshop,
  name: string,
  options: WorkerOptions,
): Promise<Process> {
  const port = workshop.port();
  // A worker refuses variables that it does not know, and some may be meant for nodes.
  const inherited = Object.entries(inheritedEnvironment()).filter(
    ([variable]) => !variable.startsWith("SLUICE_") || workerVariables.has(variable),
  );
  const child = workshop.start({
    name,
    command: [process.execPath, entry],
    environment: {
      ...Object.fromEntries(inherited),
      SLUICE_NODE: name,
      SLUICE_LISTEN: `127.0.0.1:${port}`,
      SLUICE_REDIS: options.redisUrl,
      SLUICE_DATABASE: options.database,
      // A stream is read again in each round, so what is stored must stay.
      SLUICE_STREAM_KEEP: "1000000000",
    },
  });
  const url = `http://127.0.0.1:${port}/readyz`;
  await workshop.untilReady(child, async () => (await fetch(url)).ok);
  return child;
}
