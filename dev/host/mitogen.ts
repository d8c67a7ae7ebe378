import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Settings that have Ansible keep one Python per host for the whole run (Mitogen), where it starts
 * a new one for each task: starting a program is what user-mode kernels and emulated processors are
 * slowest at. Nothing else differs, and `ansible-playbook` by itself goes without. Empty where the
 * Ansible that is found has no Mitogen beside it, or where the caller names a strategy.
 */
export function mitogenSettings(environment: Readonly<Record<string, string | undefined>>) {
  const program = Bun.which("ansible-playbook");
  if (program === null || environment["ANSIBLE_STRATEGY"] !== undefined) {
    return {};
  }
  const libraries = join(dirname(program), "..", "lib");
  const plugins = (existsSync(libraries) ? readdirSync(libraries) : [])
    .map((python) => join(libraries, python, "site-packages/ansible_mitogen/plugins/strategy"))
    .find((path) => existsSync(path));
  return plugins === undefined
    ? {}
    : { ANSIBLE_STRATEGY: "mitogen_linear", ANSIBLE_STRATEGY_PLUGINS: plugins };
}
