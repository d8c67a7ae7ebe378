import { misconfigured } from "../process/check-config.ts";
import { configure, createLog } from "../process/program.ts";
import { readConfig } from "./config.ts";
import { UnknownFormError } from "./migrate.ts";
import { OrderWorker } from "./order-worker.ts";

/** Entry of the order worker: configuration, parts, work, signals. */
const config = configure("order-worker", Bun.env, readConfig);
const log = createLog(config);
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
    if (error instanceof UnknownFormError) {
      log.fatal(error.message);
      process.exit(misconfigured);
    }
    log.fatal({ err: error }, "the order worker failed");
    process.exit(1);
  },
);
