import { join } from "node:path";

import { defineCommand } from "citty";

import { runAttached } from "../lab/attached.ts";
import { readEnvironment, ROOT } from "../lab/config.ts";
import { mitogenSettings } from "../lab/mitogen.ts";
import { readPassed } from "../lab/passed-words.ts";

/** For who has no Ansible, or another one: the version that the roles are tested with. */
export default defineCommand({
  meta: {
    name: "playbook",
    description: "[OPTIONS..] FILE: the tested ansible-playbook, run in ansible/",
  },
  run: async () => {
    process.exitCode = await runAttached(["ansible-playbook", ...readPassed()], {
      cwd: join(ROOT, "ansible"),
      environment: mitogenSettings(readEnvironment()),
    });
  },
});
