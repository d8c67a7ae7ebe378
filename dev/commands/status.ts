import { defineCommand } from "citty";

import { checkArguments, reportErrors } from "../../src/operator/command.ts";
import { readStateDir } from "../host/environment.ts";
import { formatParts, formatSale } from "../stack/show.ts";
import { readStatus } from "../stack/status.ts";

const flags = {
  json: { type: "boolean", description: "print it as JSON" },
  state: { type: "string", description: "the stack's directory (.sluice)" },
} as const;

export default defineCommand({
  meta: { name: "status", description: "Shows the stack in the background; exit 0 if all is up" },
  args: flags,
  run: ({ args }) =>
    reportErrors("status", async () => {
      checkArguments(args, flags);
      const status = await readStatus(readStateDir(args));
      if (args.json === true) {
        console.log(JSON.stringify(status, null, 2));
      } else if (status.parts.length === 0) {
        console.log(`no stack is up in ${status.stateDir}; "./sluice up" starts one`);
      } else {
        console.log(`${formatParts(status.parts)}\n\n${formatSale(status)}`);
      }
      process.exitCode = status.up ? 0 : 1;
    }),
});
