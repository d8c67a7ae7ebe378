import { pino } from "pino";

import { ConfigError, type NodeConfig, readConfig } from "./config.ts";
import { TicketNode } from "./ticket-node.ts";

/** Entry of the ticket node: configuration, parts, serve, signals. */
function configure(): NodeConfig {
  try {
    return readConfig(Bun.env);
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`ticket-node: the configuration is faulty\n${error.message}\n`);
      process.exit(2);
    }
    throw error;
  }
}

const config = configure();
// Synchronous, without a transport: worker threads do not work in a compiled binary.
const log = pino(
  { level: config.logLevel, base: { node: config.node } },
  pino.destination({ dest: 1, sync: true }),
);
const node = new TicketNode(config, log);

function stop(signal: string): void {
  log.info({ signal }, "asked to stop");
  node.drain().then(
    () => process.exit(0),
    (error: unknown) => {
      log.fatal({ err: error }, "draining failed");
      process.exit(1);
    },
  );
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

try {
  node.start();
} catch (error) {
  log.fatal({ err: error }, `cannot listen on ${config.host}:${config.port}; is the port taken?`);
  process.exit(1);
}
