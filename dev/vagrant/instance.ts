import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { hasProcesses, namespaceExists } from "../host/namespace.ts";
import type { VagrantPlaces } from "./config.ts";
import { type Machine, readMachines } from "./machine.ts";

/** What is remembered of the virtual machines from `up` on. */
export interface VagrantInstance {
  /** The name of a directory below ansible/inventories. */
  readonly inventory: string;
  readonly libvirt: VagrantPlaces["libvirt"];
}

/** What is remembered, or null if nothing is. */
export function readVagrantInstance(places: VagrantPlaces): VagrantInstance | null {
  try {
    return JSON.parse(readFileSync(instancePath(places), "utf8")) as VagrantInstance;
  } catch {
    return null;
  }
}

/** These places with the libvirt that the machines were made in, whatever is asked for now. */
export function rememberedPlaces(places: VagrantPlaces): VagrantPlaces {
  const instance = readVagrantInstance(places);
  return instance === null ? places : { ...places, libvirt: instance.libvirt };
}

/** Remembers it, and marks its place, so that another checkout does not take it over. */
export function writeVagrantInstance(places: VagrantPlaces, instance: VagrantInstance): void {
  mkdirSync(places.stateDir, { recursive: true });
  mkdirSync(places.runDir, { recursive: true });
  writeFileSync(instancePath(places), JSON.stringify(instance));
  writeFileSync(join(places.runDir, "owner"), places.stateDir);
}

/** Throws `CommandError` if another checkout has its virtual machines up: if anything runs there. */
export function refuseForeignMachines(places: VagrantPlaces): void {
  const path = join(places.runDir, "owner");
  const owner = existsSync(path) ? readFileSync(path, "utf8") : places.stateDir;
  const lives = (): boolean => [places.namespace, places.crowdNamespace].some(hasProcesses);
  if (owner !== places.stateDir && existsSync(owner) && lives()) {
    throw new CommandError(
      `virtual machines of ${owner} are up; take them down from that checkout`,
    );
  }
}

/** The machines that are up, or were. Throws `CommandError` without any. */
export function readMachinesUp(places: VagrantPlaces): {
  readonly instance: VagrantInstance;
  readonly machines: readonly Machine[];
} {
  const instance = readVagrantInstance(places);
  const isThere = places.libvirt === "system" || namespaceExists(places.namespace);
  if (instance === null || !isThere) {
    throw new CommandError("the virtual machines are not up; start them with ./sluice vagrant up");
  }
  refuseForeignMachines(places);
  return { instance, machines: readMachines(instance.inventory) };
}

function instancePath(places: VagrantPlaces): string {
  return join(places.stateDir, "instance.json");
}
