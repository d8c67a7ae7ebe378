import { defineCommand } from "citty";

import { auditSale } from "../../audit/audit-sale.ts";
import { checkArguments, CommandError, readWholeNumber, reportErrors } from "../command.ts";
import { addressHint, type DefaultAddresses, readDatabase, readRedisUrl } from "../config.ts";
import { formatAudit } from "../formats/audit-text.ts";
import { writeJson } from "../formats/json-file.ts";

const definitions = {
  id: { type: "positional", required: false, description: "id of the sale" },
  json: { type: "string", valueHint: "FILE", description: "write the result there, - for stdout" },
  redis: {
    type: "string",
    valueHint: addressHint,
    description: "address of the ledger, redis://host:port/db (SLUICE_REDIS)",
  },
  database: {
    type: "string",
    valueHint: addressHint,
    description: "where the orders are, sqlite://path or postgres://... (SLUICE_DATABASE)",
  },
  wait: {
    type: "string",
    default: "5",
    description: "seconds that the order workers are given to store what is on its way",
  },
} as const;

const waitSecondsMax = 3_600;

/** The books could not be judged. */
const CANNOT_AUDIT = 2;

/** `audit`: the books of a sale, held against each other. */
export function auditCommand(defaults: DefaultAddresses) {
  return defineCommand({
    meta: {
      name: "audit",
      description: "Holds the books of a sale against each other: exit 0 if they balance, 1 if not",
    },
    args: definitions,
    run: ({ args }) =>
      reportErrors(
        "audit",
        async () => {
          checkArguments(args, definitions);
          if (args.id === undefined) {
            throw new CommandError('which sale? "sluice sale list" shows those there are');
          }
          const waitSeconds = readWholeNumber("--wait", args.wait, 0, waitSecondsMax);
          const redisUrl = readRedisUrl(args.redis, defaults);
          const database = readDatabase(args.database, defaults, redisUrl);
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
            await writeJson(args.json, {
              ...result,
              verdict: balanced ? "balanced" : "unbalanced",
            });
          }
          process.exitCode = balanced ? 0 : 1;
        },
        CANNOT_AUDIT,
      ),
  });
}
