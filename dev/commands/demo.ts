import { join } from "node:path";

import { defineCommand } from "citty";

import {
  checkArguments,
  readShare,
  readWholeNumber,
  reportErrors,
} from "../../src/operator/command.ts";
import { totalMax } from "../../src/sale/sale.ts";
import { killStack, runDemo } from "../demo/demo.ts";
import { readStateDir } from "../host/environment.ts";
import { interruptible } from "../host/interrupt.ts";
import { reportLine } from "../host/report-line.ts";
import { requestsMax } from "../load/generator.ts";
import { connectionsMax, readGenerator } from "../load/load-options.ts";
import { printReport } from "../report/print-report.ts";
import { readStackOptions } from "../stack/config.ts";

const definitions = {
  tickets: { type: "string", default: "10000", description: "tickets that are for sale" },
  requests: { type: "string", default: "200000", description: "purchases that the crowd tries" },
  connections: { type: "string", default: "200", description: "requests under way at a time" },
  with: { type: "string", default: "h2load", description: "what sends the crowd: h2load or oha" },
  json: { type: "string", valueHint: "FILE", description: "write the report there, - for stdout" },
  pay: {
    type: "string",
    description: "share of buyers that pay, 0 to 1; unpaid tickets lapse and are sold again",
  },
  hold: { type: "string", description: "seconds in which an order is to be paid (300; --pay: 3)" },
  seed: { type: "string", default: "1", description: "decides which buyers pay" },
  "nginx-port": { type: "string", description: "where the crowd buys (8080)" },
  "status-port": { type: "string", description: "Nginx's status page (the Nginx port + 1)" },
  "node-port": { type: "string", description: "port of node1; the others follow (3001)" },
  "redis-port": { type: "string", description: "the ledger (6390)" },
  "worker-port": { type: "string", description: "the order worker's health and metrics (3005)" },
  durability: { type: "string", description: "memory, primary or replica (primary)" },
  locale: { type: "string", description: "zh or en (en)" },
  buffer: { type: "string", description: "tickets of local stock beyond a node's fair share" },
  "access-log": { type: "boolean", description: "have Nginx log every request, as JSON" },
  state: { type: "string", description: "directory in which demo/ is kept (.sluice)" },
} as const;

const holdSecondsMax = 1_000_000_000;
const seedMax = 2 ** 32 - 1;

export default defineCommand({
  meta: {
    name: "demo",
    description: "Sells tickets to a crowd on this machine; exit 0 only if the books balance",
  },
  args: definitions,
  run: ({ args }) => {
    const stateDir = join(readStateDir(args), "demo");
    return interruptible(
      (signal) =>
        reportErrors("demo", async () => {
          checkArguments(args, definitions);
          const payShare = args.pay === undefined ? null : readShare("--pay", args.pay);
          const hold = args.hold ?? (payShare === null ? "300" : "3");
          const options = {
            // Of its own and fresh: a sale of the stack in the background is not touched.
            stack: { ...readStackOptions(args), stateDir, fresh: true, database: null },
            tickets: readWholeNumber("--tickets", args.tickets, 1, totalMax),
            requests: readWholeNumber("--requests", args.requests, 1, requestsMax),
            connections: readWholeNumber("--connections", args.connections, 1, connectionsMax),
            holdSeconds: readWholeNumber("--hold", hold, 1, holdSecondsMax),
            payShare,
            generator: readGenerator(args.with),
            seed: readWholeNumber("--seed", args.seed, 0, seedMax),
          };
          const { report, details } = await runDemo(options, reportLine, signal);
          await printReport(report, details, args.json ?? null);
          process.exitCode = report.verdict === "balanced" ? 0 : 1;
        }),
      () => killStack(stateDir),
    );
  },
});
