import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { hasProcesses, namespaceExists } from "../host/namespace.ts";
import type { VagrantPaths } from "./config.ts";
import { type Machine, readMachines } from "./machine.ts";

/** What is remembered of the virtual machines from `up` on. */
export interface VagrantInstance {
  /** The name of a directory below ansible/inventories. */
  readonly inventory: string;
  readonly libvirt: VagrantPaths["libvirt"];
}

/** What is remembered, or null if nothing is. */
export function readVagrantInstance(paths: VagrantPaths): VagrantInstance | null {
  try {
    return JSON.parse(readFileSync(instancePath(paths), "utf8")) as VagrantInstance;
  } catch {
    return null;
  }
}

/** These paths with the libvirt that the machines were made in, whatever is asked for now. */
export function readRememberedPaths(paths: VagrantPaths): VagrantPaths {
  const instance = readVagrantInstance(paths);
  return instance === null ? paths : { ...paths, libvirt: instance.libvirt };
}

/** Remembers it, and marks its place, so that another checkout does not take it over. */
export function writeVagrantInstance(paths: VagrantPaths, instance: VagrantInstance): void {
  mkdirSync(paths.stateDir, { recursive: true });
  mkdirSync(paths.runDir, { recursive: true });
  writeFileSync(instancePath(paths), JSON.stringify(instance));
  writeFileSync(join(paths.runDir, "owner"), paths.stateDir);
}

/** Throws `CommandError` if another checkout has its virtual machines up: if anything runs there. */
export function refuseForeignMachines(paths: VagrantPaths): void {
  const path = join(paths.runDir, "owner");
  const owner = existsSync(path) ? readFileSync(path, "utf8") : paths.stateDir;
  const lives = (): boolean => [paths.namespace, paths.crowdNamespace].some(hasProcesses);
  if (owner !== paths.stateDir && existsSync(owner) && lives()) {
    throw new CommandError(
      `virtual machines of ${owner} are up; take them down from that checkout`,
    );
  }
}

/** The machines that are up, or were. Throws `CommandError` without any. */
export function readMachinesUp(paths: VagrantPaths): {
  readonly instance: VagrantInstance;
  readonly machines: readonly Machine[];
} {
  const instance = readVagrantInstance(paths);
  const isThere = paths.libvirt === "system" || namespaceExists(paths.namespace);
  if (instance === null || !isThere) {
    throw new CommandError("the virtual machines are not up; start them with ./sluice vagrant up");
  }
  refuseForeignMachines(paths);
  return { instance, machines: readMachines(instance.inventory) };
}

function instancePath(paths: VagrantPaths): string {
  return join(paths.stateDir, "instance.json");
}
