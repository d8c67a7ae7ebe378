import { defineCommand } from "citty";

import { auditSale } from "../../orders/audit-sale.ts";
import { findDatabase } from "../audit/find-database.ts";
import { checkArguments, CommandError, explained, readWholeNumber } from "../command.ts";
import { readDatabaseUrl, readRedisUrl } from "../config.ts";
import { formatAudit } from "../report/audit-text.ts";
import { writeJson } from "../report/json-file.ts";
import { readStateDir } from "../stack/config.ts";
import { readStack } from "../stack/stack.ts";

const definitions = {
  id: { type: "positional", required: false, description: "id of the sale" },
  json: { type: "string", valueHint: "FILE", description: "write the result there, - for stdout" },
  redis: {
    type: "string",
    description: "redis://host:port/db of the ledger (SLUICE_REDIS, else the embedded stack's)",
  },
  database: {
    type: "string",
    description:
      "sqlite://path or postgres://... of the orders (SLUICE_DATABASE, else the stack's)",
  },
  wait: {
    type: "string",
    default: "5",
    description: "seconds that the order workers are given to store what is on its way",
  },
  state: { type: "string", description: "directory of the embedded stack (.sluice)" },
} as const;

const waitSecondsMax = 3_600;

/** Nothing can be said about the books. */
const CANNOT_AUDIT = 2;

export default defineCommand({
  meta: {
    name: "audit",
    description: "Holds the books of a sale against each other: exit 0 if they balance, 1 if not",
  },
  args: definitions,
  run: ({ args }) =>
    explained(
      "audit",
      async () => {
        checkArguments(args, definitions);
        if (args.id === undefined) {
          throw new CommandError('which sale? "sluice sale list" shows those there are');
        }
        const waitSeconds = readWholeNumber("--wait", args.wait, 0, waitSecondsMax);
        const stack = readStack(readStateDir(args));
        const redisUrl = readRedisUrl(args.redis, stack?.redisUrl);
        const database = findDatabase(readDatabaseUrl(args.database), redisUrl, stack);
        const options = { redisUrl, sale: args.id, database, waitMs: waitSeconds * 1_000 };
        const reading = await auditSale(options);
        if (reading.kind === "noSale") {
          throw new CommandError(
            `there is no sale ${args.id}; "sluice sale list" shows those there are`,
          );
        }
        if (reading.kind === "moving") {
          throw new CommandError(
            `sale ${args.id} changed during each of ${reading.attempts} attempts to read it; ` +
              `pause it ("sluice sale pause ${args.id}"), or audit it when the rush is over`,
          );
        }
        const result = reading.audit;
        const balanced = result.differenceCount === 0;
        // Whoever asks for JSON on stdout gets nothing else there.
        (args.json === "-" ? console.error : console.log)(formatAudit(result));
        if (args.json !== undefined) {
          await writeJson(args.json, { ...result, verdict: balanced ? "balanced" : "unbalanced" });
        }
        process.exitCode = balanced ? 0 : 1;
      },
      CANNOT_AUDIT,
    ),
});
