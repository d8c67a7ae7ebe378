import { join } from "node:path";

import { ROOT } from "../host/checkout.ts";
import type { Plan } from "./launch.ts";
import { type StackOptions } from "./options.ts";
import { redisUrl } from "./redis.ts";

/** The stack's own orders database, in its state directory. */
export function ownDatabasePath(stateDir: string): string {
  return join(stateDir, "orders.sqlite");
}

/** Where the orders go: the server that was named, or a SQLite file of the stack's own. */
export function databaseUrl(options: Pick<StackOptions, "database" | "stateDir">): string {
  return options.database ?? `sqlite://${ownDatabasePath(options.stateDir)}`;
}

/** The order worker, from source. */
export function planWorker(options: StackOptions): Plan {
  const name = "worker";
  return {
    role: "worker",
    name,
    port: options.workerPort,
    weight: null,
    command: [
      process.execPath,
      `--config=${join(ROOT, "bunfig.toml")}`,
      "--no-env-file",
      join(ROOT, "src", "orders", "main.ts"),
    ],
    environment: {
      SLUICE_NODE: name,
      SLUICE_LISTEN: `127.0.0.1:${options.workerPort}`,
      SLUICE_REDIS: redisUrl(options.redisPort),
      SLUICE_DATABASE: databaseUrl(options),
    },
    logPath: join(options.stateDir, "logs", `${name}.log`),
  };
}
