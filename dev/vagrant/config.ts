import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { ROOT } from "../host/checkout.ts";
import { readStateDir } from "../host/environment.ts";

/** The buyers' network, behind the control machine. Hosts are told the way back to it. */
export const CROWD_SUBNET = "10.78.0.0/24";
export const CROWD_GATEWAY = "10.78.0.1";
/** Several, so that a balancer that goes by the client's address has something to go by. */
export const CROWD_ADDRESSES = [2, 3, 4, 5, 6, 7, 8, 9].map((last) => `10.78.0.${last}`);

/** Where what of the virtual machines is kept. There is one set of them on a machine. */
export interface VagrantPaths {
  readonly stateDir: string;
  /** Short paths, for sockets; gone with the next boot of the machine, as namespaces are. */
  readonly runDir: string;
  /** No lab is called so: their names have no underscore. */
  readonly namespace: string;
  readonly crowdNamespace: string;
  /** `system`: the libvirt that this machine has is used, in the machine's own network. */
  readonly libvirt: "own" | "system";
}

/** The paths, and whose libvirt it is: SLUICE_VAGRANT_LIBVIRT, `own` by default. Throws `CommandError`. */
export function readVagrantPaths(): VagrantPaths {
  const libvirt = process.env["SLUICE_VAGRANT_LIBVIRT"] ?? "own";
  if (libvirt !== "own" && libvirt !== "system") {
    throw new CommandError(`SLUICE_VAGRANT_LIBVIRT is 'own' or 'system', not '${libvirt}'`);
  }
  return {
    stateDir: join(readStateDir({}), "vagrant"),
    runDir: "/run/sluice-vagrant",
    namespace: "sluice_vagrant",
    crowdNamespace: "sluice_vagrant_crowd",
    libvirt,
  };
}

/** The inventory below ansible/inventories that SLUICE_VAGRANT_INVENTORY names, as the Vagrantfile. */
export function readInventoryName(): string {
  return process.env["SLUICE_VAGRANT_INVENTORY"] ?? "vagrant";
}

export function inventoryPath(name: string): string {
  return join(ROOT, "ansible", "inventories", name, "hosts.yml");
}
