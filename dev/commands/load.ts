import { defineCommand } from "citty";

import { checkArguments, reportErrors } from "../../src/operator/command.ts";
import { addressHint, readRedisOption } from "../../src/operator/config.ts";
import { readStateDir } from "../host/environment.ts";
import { interruptible } from "../host/interrupt.ts";
import { readLoadOptions } from "../load/load-options.ts";
import { printReport } from "../report/print-report.ts";
import { runReportedLoad } from "../report/reported-load.ts";
import { findSurroundings } from "../report/surroundings.ts";

const definitions = {
  url: {
    type: "positional",
    required: true,
    description: "http://host:port, or a whole address to POST to",
  },
  requests: { type: "string", description: "how many requests (200000)" },
  duration: { type: "string", description: "or for how many seconds" },
  connections: { type: "string", default: "200", description: "requests under way at a time" },
  rate: { type: "string", description: "requests a second, all together; without it: no limit" },
  timeout: { type: "string", default: "5", description: "seconds before a request has failed" },
  sale: { type: "string", description: "buy of this sale: POST /sales/ID/orders" },
  quantity: { type: "string", default: "1", description: "tickets a request; needs --sale" },
  with: { type: "string", default: "oha", description: "what sends the crowd: oha or h2load" },
  json: { type: "string", valueHint: "FILE", description: "write the report there, - for stdout" },
  redis: {
    type: "string",
    valueHint: addressHint,
    description: "redis://host:port/db: audit the books as well (the embedded stack's are anyway)",
  },
  nodes: {
    type: "string",
    description: "name=http://host:port*weight,...: nodes whose /metrics are read",
  },
  state: { type: "string", description: "directory of the embedded stack (.sluice)" },
} as const;

const paceNote =
  "h2load counts a latency from when the request was sent: a stall hides how long the requests had " +
  "to wait that it delayed. --with oha counts from when each was due";

export default defineCommand({
  meta: { name: "load", description: "Sends a crowd and counts what it is told" },
  args: definitions,
  run: ({ args }) =>
    interruptible((signal) =>
      reportErrors("load", async () => {
        checkArguments(args, definitions);
        const { target, options } = readLoadOptions(args);
        if (options.generator === "h2load" && options.ratePerSecond !== null) {
          console.error(paceNote);
        }
        const redis = readRedisOption(args.redis);
        const around = findSurroundings(target, readStateDir(args), redis, args.nodes ?? null);
        const { report, details } = await runReportedLoad(options, around, signal);
        await printReport(report, details, args.json ?? null);
        process.exitCode = report.verdict === "unbalanced" ? 1 : 0;
      }),
    ),
});
