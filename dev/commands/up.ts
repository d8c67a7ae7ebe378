import { defineCommand } from "citty";

import { checkArguments, reportErrors } from "../../src/operator/command.ts";
import { addressHint } from "../../src/operator/config.ts";
import { readStackOptions } from "../stack/config.ts";
import { formatNextSteps, formatParts, formatSale } from "../stack/show.ts";
import { startStack } from "../stack/stack.ts";
import { readStatus } from "../stack/status.ts";

const flags = {
  "nginx-port": { type: "string", description: "where the crowd buys (8080)" },
  "status-port": { type: "string", description: "Nginx's status page (the Nginx port + 1)" },
  "node-port": { type: "string", description: "port of node1; the others follow (3001)" },
  "redis-port": { type: "string", description: "the ledger (6390)" },
  "worker-port": { type: "string", description: "the order worker's health and metrics (3005)" },
  database: {
    type: "string",
    valueHint: addressHint,
    description: "postgres://user@host:port/name of a server that is there (SQLite in --state)",
  },
  durability: { type: "string", description: "memory, primary or replica (primary)" },
  locale: { type: "string", description: "zh or en (en)" },
  sale: { type: "string", description: "the sale that POST /buy/ticket sells (tickets)" },
  buffer: { type: "string", description: "tickets of local stock beyond a node's fair share" },
  "limit-by": { type: "string", description: "limit purchases by off, address or buyer (off)" },
  "limit-rate": { type: "string", description: "purchases a second for each of them (10)" },
  "access-log": { type: "boolean", description: "have Nginx log every request, as JSON" },
  fresh: { type: "boolean", description: "forget the sales of an earlier stack" },
  state: { type: "string", description: "directory for everything the stack keeps (.sluice)" },
} as const;

export default defineCommand({
  meta: {
    name: "up",
    description:
      "Starts Redis, four ticket nodes, an order worker and Nginx on loopback, in the background",
  },
  args: flags,
  run: ({ args }) =>
    reportErrors("up", async () => {
      checkArguments(args, flags);
      const options = readStackOptions(args);
      await startStack(options, (line) => console.log(line));
      const status = await readStatus(options.stateDir);
      console.log(`\n${formatParts(status.parts)}\n\n${formatSale(status)}`);
      console.log(`buy at ${status.url}\n\n${formatNextSteps(status)}`);
    }),
});
