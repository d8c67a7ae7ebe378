import { join } from "node:path";

import { readBoxName } from "../box/config.ts";
import { asCaller, insideCommand } from "../host/namespace.ts";
import { type VagrantPaths } from "./config.ts";
import { besideLibvirt, LIBVIRT_URI } from "./libvirt.ts";

/** A command line that runs another on the control machine, as whoever called. */
export function onControlMachine(paths: VagrantPaths, command: readonly string[]): string[] {
  return paths.libvirt === "own" ? insideCommand(paths.namespace, command) : asCaller(command);
}

/** A command line that runs Vagrant, or another program that asks libvirt, as whoever called. */
export function withLibvirt(paths: VagrantPaths, command: readonly string[]): string[] {
  return besideLibvirt(paths, asCaller(command));
}

/** Vagrant's directories and choices. What the operator sets of SLUICE_VAGRANT_* goes on to it. */
export function vagrantEnvironment(paths: VagrantPaths, inventory: string) {
  return {
    VAGRANT_HOME: homePath(paths),
    VAGRANT_DOTFILE_PATH: machinesPath(paths),
    VAGRANT_DEFAULT_PROVIDER: "libvirt",
    // It would look for a newer Vagrant, on the web.
    VAGRANT_CHECKPOINT_DISABLE: "1",
    LIBVIRT_DEFAULT_URI: LIBVIRT_URI,
    SLUICE_VAGRANT_INVENTORY: inventory,
    SLUICE_VAGRANT_BOX: readBoxName(),
  };
}

export function homePath(paths: VagrantPaths): string {
  return join(paths.stateDir, "home");
}

/** What Vagrant remembers of each machine. */
export function machinesPath(paths: VagrantPaths): string {
  return join(paths.stateDir, "machines");
}
