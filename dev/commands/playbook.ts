import { join } from "node:path";

import { defineCommand } from "citty";

import { runAttached } from "../host/attached.ts";
import { ROOT } from "../host/checkout.ts";
import { readEnvironment } from "../host/environment.ts";
import { mitogenSettings } from "../host/mitogen.ts";
import { readPassthrough } from "../host/passthrough-args.ts";

/** For who has no Ansible, or another one: the version that the roles are tested with. */
export default defineCommand({
  meta: {
    name: "playbook",
    description: "[OPTIONS..] FILE: the tested ansible-playbook, run in ansible/",
  },
  run: async () => {
    process.exitCode = await runAttached(["ansible-playbook", ...readPassthrough()], {
      cwd: join(ROOT, "ansible"),
      environment: mitogenSettings(readEnvironment()),
    });
  },
});
