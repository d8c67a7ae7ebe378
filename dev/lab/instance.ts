import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { ROOT } from "../host/checkout.ts";
import { hasProcesses, namespaceExists } from "../host/namespace.ts";
import { type Places } from "./config.ts";
import { readTopology, type Topology } from "./topology.ts";

export const INVENTORY_DEFAULT = join(ROOT, "ansible", "inventories", "lab", "hosts.yml");

/** What an instance remembers from `up` on. */
export interface Instance {
  readonly inventory: string;
  readonly image: string;
}

/** What is remembered of an instance, or null if nothing is. */
export function readInstance(places: Places): Instance | null {
  try {
    return JSON.parse(readFileSync(join(places.stateDir, "lab.json"), "utf8")) as Instance;
  } catch {
    return null;
  }
}

/** Remembers an instance, and marks its place, so that another checkout does not take it over. */
export function writeInstance(places: Places, instance: Instance): void {
  mkdirSync(places.stateDir, { recursive: true });
  mkdirSync(places.runDir, { recursive: true });
  writeFileSync(join(places.stateDir, "lab.json"), JSON.stringify(instance));
  writeFileSync(join(places.runDir, "image"), `${instance.image}\n`);
  writeFileSync(join(places.runDir, "owner"), places.stateDir);
}

/** Where another checkout keeps the instance of this name, or null if it is not another's. */
export function foreignOwner(places: Places): string | null {
  const path = join(places.runDir, "owner");
  const owner = existsSync(path) ? readFileSync(path, "utf8") : places.stateDir;
  return owner === places.stateDir ? null : owner;
}

/**
 * Throws `CommandError` if an instance of this name is up that another checkout made. One in which
 * nothing runs any more, as when its machine was shut down in the middle, is nobody's.
 */
export function refuseForeign(places: Places): void {
  const owner = foreignOwner(places);
  const lives = (): boolean => [places.namespace, places.crowdNamespace].some(hasProcesses);
  if (owner !== null && existsSync(owner) && lives()) {
    throw new CommandError(
      `a lab called '${places.name}' is there already, of ${owner}. Take it down from that checkout, ` +
        `or call this one something else: SLUICE_LAB=other ./sluice lab ..`,
    );
  }
}

/** An instance that is up. Throws `CommandError` if it is not. */
export function readRunning(places: Places): { instance: Instance; topology: Topology } {
  const instance = readInstance(places);
  if (instance === null || !namespaceExists(places.namespace)) {
    const called = places.name === "lab" ? "the lab" : `the lab called '${places.name}'`;
    throw new CommandError(`${called} is not up; start it with ./sluice lab up`);
  }
  refuseForeign(places);
  return { instance, topology: readInventory(instance.inventory) };
}

/** The topology in a file. Throws `CommandError` that names the file. */
export function readInventory(path: string): Topology {
  const absolute = resolve(path);
  if (!existsSync(absolute)) {
    throw new CommandError(`there is no inventory ${absolute}`);
  }
  try {
    return readTopology(readFileSync(absolute, "utf8"));
  } catch (error) {
    if (error instanceof CommandError) {
      throw new CommandError(`${relative(process.cwd(), absolute)}: ${error.message}`);
    }
    throw error;
  }
}
