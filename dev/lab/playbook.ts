import { existsSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { ROOT } from "../host/checkout.ts";
import { readEnvironment } from "../host/environment.ts";
import { mitogenSettings } from "../host/mitogen.ts";
import { runInside } from "../host/namespace.ts";
import { keyPath, sshConfigPath } from "../host/ssh.ts";
import { type LabPaths } from "./config.ts";
import { readRunning } from "./instance.ts";

const ANSIBLE_DIR = join(ROOT, "ansible");

/** What Ansible needs to know to reach an instance's hosts. */
export function ansibleEnvironment(paths: LabPaths, inventory: string): Record<string, string> {
  return {
    ANSIBLE_CONFIG: join(ANSIBLE_DIR, "ansible.cfg"),
    ANSIBLE_INVENTORY: inventory,
    ANSIBLE_PRIVATE_KEY_FILE: keyPath(paths),
    // Connections are shared with `lab ssh`, and kept in the same place.
    ANSIBLE_SSH_ARGS: `-F ${sshConfigPath(paths)}`,
    SLUICE_LAB: paths.name,
  };
}

/** Runs a playbook against an instance, and returns its exit code. */
export async function runPlaybook(
  paths: LabPaths,
  file: string,
  words: readonly string[],
): Promise<number> {
  const { instance } = readRunning(paths);
  const path = [file, join("playbooks", file)].find((name) => existsSync(join(ANSIBLE_DIR, name)));
  if (path === undefined && !file.startsWith("/")) {
    throw new CommandError(`there is no playbook ${file} in ansible/ or ansible/playbooks/`);
  }
  return runInside(paths.namespace, ["ansible-playbook", path ?? file, ...words], {
    cwd: ANSIBLE_DIR,
    environment: {
      ...ansibleEnvironment(paths, instance.inventory),
      ...mitogenSettings(readEnvironment()),
    },
  });
}
