import { defineCommand } from "citty";

import { readStateDir } from "../stack/config.ts";
import { checkFlags, orExplain } from "../stack/failure.ts";
import { stopStack } from "../stack/stack.ts";

const flags = {
  state: { type: "string", description: "the stack's directory (.sluice)" },
} as const;

export default defineCommand({
  meta: { name: "down", description: "Stops the stack in the background; what was sold is kept" },
  args: flags,
  run: ({ args }) =>
    orExplain("down", async () => {
      checkFlags(args, flags);
      const stateDir = readStateDir(args);
      if (!(await stopStack(stateDir, (line) => console.log(line)))) {
        console.log(`no stack is up in ${stateDir}`);
      }
    }),
});
