import { pino } from "pino";

import { ConfigError } from "../process/variables.ts";
import { readConfig, type WorkerConfig } from "./config.ts";
import { NewerDatabaseError } from "./migrate.ts";
import { OrderWorker } from "./order-worker.ts";

/** Entry of the order worker: configuration, parts, work, signals. */
function configure(): WorkerConfig {
  try {
    return readConfig(Bun.env);
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`order-worker: the configuration is faulty\n${error.message}\n`);
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
const worker = new OrderWorker(config, log);

function stop(signal: string): void {
  log.info({ signal }, "asked to stop");
  worker.stop();
  setTimeout(() => {
    // Nothing is lost: what is not acknowledged stays pending.
    log.warn({ stopMs: config.stopMs }, "the batch under way took too long");
    process.exit(0);
  }, config.stopMs).unref();
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

worker.run().then(
  () => process.exit(0),
  (error: unknown) => {
    if (error instanceof NewerDatabaseError) {
      log.fatal(error.message);
      process.exit(2);
    }
    log.fatal({ err: error }, "the order worker failed");
    process.exit(1);
  },
);
