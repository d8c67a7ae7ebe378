import { join } from "node:path";

import { ROOT } from "../host/checkout.ts";
import { readInheritedEnvironment } from "./config.ts";
import type { Plan } from "./launch.ts";
import { type StackOptions } from "./options.ts";
import { redisUrl } from "./redis.ts";

/** The ticket nodes, from source, one per weight. */
export function planNodes(options: StackOptions): Plan[] {
  const drainMs = readInheritedEnvironment("node")["SLUICE_DRAIN_MS"] ?? "0";
  return options.weights.map((weight, index) => {
    const name = `node${index + 1}`;
    const port = options.nodePort + index;
    return {
      role: "node",
      name,
      port,
      weight,
      command: [
        process.execPath,
        `--config=${join(ROOT, "bunfig.toml")}`,
        "--no-env-file",
        join(ROOT, "src", "node", "main.ts"),
      ],
      environment: {
        SLUICE_NODE: name,
        SLUICE_LISTEN: `127.0.0.1:${port}`,
        SLUICE_WEIGHT: String(weight),
        SLUICE_REDIS: redisUrl(options.redisPort),
        SLUICE_DURABILITY: options.durability,
        SLUICE_SALE: options.sale,
        SLUICE_LOCALE: options.locale,
        // Open-source Nginx does not ask /readyz, it notices a closed port: nothing to wait out.
        SLUICE_DRAIN_MS: drainMs,
        ...(options.buffer === undefined ? {} : { SLUICE_BUFFER: String(options.buffer) }),
      },
      logPath: join(options.stateDir, "logs", `${name}.log`),
    };
  });
}
