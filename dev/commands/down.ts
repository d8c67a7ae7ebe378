import { defineCommand } from "citty";

import { checkArguments, reportErrors } from "../../src/operator/command.ts";
import { readStateDir } from "../host/environment.ts";
import { stopStack } from "../stack/stack.ts";

const flags = {
  state: { type: "string", description: "the stack's directory (.sluice)" },
} as const;

export default defineCommand({
  meta: { name: "down", description: "Stops the stack in the background; what was sold is kept" },
  args: flags,
  run: ({ args }) =>
    reportErrors("down", async () => {
      checkArguments(args, flags);
      const stateDir = readStateDir(args);
      if (!(await stopStack(stateDir, (line) => console.log(line)))) {
        console.log(`no stack is up in ${stateDir}`);
      }
    }),
});
