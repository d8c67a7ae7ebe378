import { existsSync, readFileSync } from "node:fs";

import { CommandError } from "../../src/operator/command.ts";
import { parseInventory } from "../host/inventory.ts";
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
    throw new CommandError(`there is no ${path} (SLUICE_VAGRANT_INVENTORY is '${inventory}')`);
  }
  return parseMachines(readFileSync(path, "utf8"));
}

/** The hosts of an inventory, with their addresses. Throws `CommandError`. */
export function parseMachines(text: string): Machine[] {
  return parseInventory(text).hosts.map(({ name, groups, variables }) => {
    const address = variables["ansible_host"];
    if (typeof address !== "string") {
      throw new CommandError(`${name} has no ansible_host`);
    }
    return { name, address, groups };
  });
}
