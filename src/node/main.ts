import { configure, createLog } from "../process/program.ts";
import { readConfig } from "./config.ts";
import { TicketNode } from "./ticket-node.ts";

/** Entry of the ticket node: configuration, parts, serve, signals. */
const config = configure("ticket-node", Bun.env, readConfig);
const log = createLog(config);
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

node.start().catch((error: unknown) => {
  log.fatal({ err: error }, `the node could not start on ${config.host}:${config.port}`);
  process.exit(1);
});
