import { join } from "node:path";

import { defineCommand } from "citty";

import { checkArguments, readWholeNumber, reportErrors } from "../../src/operator/command.ts";
import { buildRelease } from "../build/build.ts";
import { ROOT } from "../host/checkout.ts";

const definitions = {
  label: { type: "string", description: "put before the release's name, such as 1.2 or hotfix" },
  keep: { type: "string", default: "3", description: "releases that stay, this one included" },
  json: { type: "boolean", description: "print release, directory and whether it was built" },
} as const;

const keepMax = 1_000;

export default defineCommand({
  meta: {
    name: "build",
    description: "Builds ticket node, order worker and operators' sluice into dist/, a file each",
  },
  args: definitions,
  run: ({ args }) =>
    reportErrors("build", async () => {
      checkArguments(args, definitions);
      const build = await buildRelease({
        root: ROOT,
        dist: join(ROOT, "dist"),
        label: args.label,
        keep: readWholeNumber("--keep", args.keep, 1, keepMax),
      });
      if (args.json === true) {
        console.log(JSON.stringify(build));
        return;
      }
      const how = build.built ? "built" : "was there:";
      console.log(`release ${build.release} ${how} ${build.directory}`);
    }),
});
