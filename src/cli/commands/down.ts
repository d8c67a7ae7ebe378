import { defineCommand } from "citty";

import { checkArguments, explained } from "../command.ts";
import { readStateDir } from "../stack/config.ts";
import { stopStack } from "../stack/stack.ts";

const flags = {
  state: { type: "string", description: "the stack's directory (.sluice)" },
} as const;

export default defineCommand({
  meta: { name: "down", description: "Stops the stack in the background; what was sold is kept" },
  args: flags,
  run: ({ args }) =>
    explained("down", async () => {
      checkArguments(args, flags);
      const stateDir = readStateDir(args);
      if (!(await stopStack(stateDir, (line) => console.log(line)))) {
        console.log(`no stack is up in ${stateDir}`);
      }
    }),
});
