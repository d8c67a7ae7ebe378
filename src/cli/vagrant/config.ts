import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { ROOT } from "../lab/config.ts";
import { LabError } from "../lab/lab-error.ts";
import { readStateDir } from "../stack/config.ts";

export const BOX_NAME = "sluice/debian-13";
/** The buyers' network, behind the control machine. Hosts are told the way back to it. */
export const CROWD_SUBNET = "10.78.0.0/24";
export const CROWD_GATEWAY = "10.78.0.1";
/** Several, so that a balancer that goes by the client's address has something to go by. */
export const CROWD_ADDRESSES = [2, 3, 4, 5, 6, 7, 8, 9].map((last) => `10.78.0.${last}`);

/** Where what of the virtual machines is kept. There is one set of them on a machine. */
export interface VagrantPlaces {
  readonly stateDir: string;
  /** Short paths, for sockets; gone with the next boot of the machine, as namespaces are. */
  readonly runDir: string;
  /** No lab is called so: their names have no underscore. */
  readonly namespace: string;
  readonly crowdNamespace: string;
  /** `system`: the libvirt that this machine has is used, in the machine's own network. */
  readonly libvirt: "own" | "system";
}

/** Places, and whose libvirt: SLUICE_VAGRANT_LIBVIRT, `own` by default. Throws `LabError`. */
export function readVagrantPlaces(): VagrantPlaces {
  const libvirt = process.env["SLUICE_VAGRANT_LIBVIRT"] ?? "own";
  if (libvirt !== "own" && libvirt !== "system") {
    throw new LabError(`SLUICE_VAGRANT_LIBVIRT is 'own' or 'system', not '${libvirt}'`);
  }
  return {
    stateDir: join(readStateDir({}), "vagrant"),
    runDir: "/run/sluice-vagrant",
    namespace: "sluice_vagrant",
    crowdNamespace: "sluice_vagrant_crowd",
    libvirt,
  };
}

/** Where boxes are kept that were built. */
export function readBoxCache(): string {
  const cacheHome = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(resolve(cacheHome), "sluice", "box");
}

/** Vagrant's own directory of whoever calls it. */
export function readVagrantHome(): string {
  return process.env["VAGRANT_HOME"] ?? join(homedir(), ".vagrant.d");
}

/** The inventory below ansible/inventories that SLUICE_VAGRANT_INVENTORY names, as the Vagrantfile. */
export function readInventoryName(): string {
  return process.env["SLUICE_VAGRANT_INVENTORY"] ?? "vagrant";
}

/** The box of the machines: our own, unless SLUICE_VAGRANT_BOX names another. */
export function readBoxName(): string {
  return process.env["SLUICE_VAGRANT_BOX"] ?? BOX_NAME;
}

export function inventoryPath(name: string): string {
  return join(ROOT, "ansible", "inventories", name, "hosts.yml");
}
