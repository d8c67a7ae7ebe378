import { defineCommand } from "citty";

import { readBooks } from "../../ledger/audit-books.ts";
import { compareBooks } from "../../ledger/audit.ts";
import { checkArguments, CommandError, explained } from "../command.ts";
import { readRedisUrl } from "../config.ts";
import { formatAudit } from "../report/audit-text.ts";
import { writeJson } from "../report/json-file.ts";

const definitions = {
  id: { type: "positional", required: false, description: "id of the sale" },
  json: { type: "string", valueHint: "FILE", description: "write the result there, - for stdout" },
  redis: {
    type: "string",
    description: "redis://host:port/db of the ledger (SLUICE_REDIS, else redis://127.0.0.1:6390)",
  },
} as const;

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
        const reading = await readBooks(readRedisUrl(args.redis), args.id);
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
        const result = compareBooks(reading.books);
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
