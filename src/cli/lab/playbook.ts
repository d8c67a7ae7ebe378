import { existsSync } from "node:fs";
import { join } from "node:path";

import { type Places, readEnvironment, ROOT } from "./config.ts";
import { runInside } from "./inside.ts";
import { readRunning } from "./instance.ts";
import { LabError } from "./lab-error.ts";
import { mitogenSettings } from "./mitogen.ts";
import { keyPath, sshConfigPath } from "./ssh.ts";

const ANSIBLE_DIR = join(ROOT, "ansible");

/** What Ansible needs to know to reach an instance's hosts. */
export function ansibleEnvironment(places: Places, inventory: string): Record<string, string> {
  return {
    ANSIBLE_CONFIG: join(ANSIBLE_DIR, "ansible.cfg"),
    ANSIBLE_INVENTORY: inventory,
    ANSIBLE_PRIVATE_KEY_FILE: keyPath(places),
    // Connections are shared with `lab ssh`, and kept in the same place.
    ANSIBLE_SSH_ARGS: `-F ${sshConfigPath(places)}`,
    SLUICE_LAB: places.name,
  };
}

/** Runs a playbook against an instance, and returns its exit code. */
export async function runPlaybook(
  places: Places,
  file: string,
  words: readonly string[],
): Promise<number> {
  const { instance } = readRunning(places);
  const path = [file, join("playbooks", file)].find((name) => existsSync(join(ANSIBLE_DIR, name)));
  if (path === undefined && !file.startsWith("/")) {
    throw new LabError(`there is no playbook ${file} in ansible/ or ansible/playbooks/`);
  }
  return runInside(places.namespace, ["ansible-playbook", path ?? file, ...words], {
    cwd: ANSIBLE_DIR,
    environment: {
      ...ansibleEnvironment(places, instance.inventory),
      ...mitogenSettings(readEnvironment()),
    },
  });
}
