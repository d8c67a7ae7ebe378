import { existsSync, readFileSync } from "node:fs";

import { LabError } from "../lab/lab-error.ts";
import { inventoryPath } from "./config.ts";

/** A virtual machine as this command has to know it; the rest is Vagrant's and Ansible's. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  readonly groups: readonly string[];
}

/** The machines of an inventory below ansible/inventories, as the Vagrantfile reads them. */
export function readMachines(inventory: string): Machine[] {
  const path = inventoryPath(inventory);
  if (!existsSync(path)) {
    throw new LabError(`there is no ${path} (SLUICE_VAGRANT_INVENTORY is '${inventory}')`);
  }
  return parseMachines(readFileSync(path, "utf8"));
}

/** The hosts in groups below `all`, with the address that one of their groups names. */
export function parseMachines(text: string): Machine[] {
  const groups = mapOf(mapOf(mapOf(Bun.YAML.parse(text))["all"])["children"]);
  const found = new Map<string, { address: unknown; groups: string[] }>();
  for (const [group, content] of Object.entries(groups)) {
    for (const [name, variables] of Object.entries(mapOf(mapOf(content)["hosts"]))) {
      const entry = found.get(name) ?? { address: undefined, groups: [] };
      entry.address ??= mapOf(variables)["ansible_host"];
      entry.groups.push(group);
      found.set(name, entry);
    }
  }
  if (found.size === 0) {
    throw new LabError("the inventory names no hosts in groups below 'all'");
  }
  return [...found].map(([name, entry]) => {
    if (typeof entry.address !== "string") {
      throw new LabError(`${name} has no ansible_host`);
    }
    return { name, address: entry.address, groups: entry.groups };
  });
}

/** The machines of these names. Throws `LabError` for one that there is not. */
export function pickMachines(machines: readonly Machine[], names: readonly string[]): Machine[] {
  return names.map((name) => {
    const machine = machines.find((known) => known.name === name);
    if (machine === undefined) {
      const known = machines.map((other) => other.name).join(" ");
      throw new LabError(`there is no host '${name}' in the inventory; there are: ${known}`);
    }
    return machine;
  });
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
