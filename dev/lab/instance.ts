import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { ROOT } from "../host/checkout.ts";
import { hasProcesses, namespaceExists } from "../host/namespace.ts";
import { type LabPaths } from "./config.ts";
import { readTopology, type Topology } from "./topology.ts";

export const INVENTORY_DEFAULT = join(ROOT, "ansible", "inventories", "lab", "hosts.yml");

/** What an instance remembers from `up` on. */
export interface Instance {
  readonly inventory: string;
  readonly image: string;
}

/** What is remembered of an instance, or null if nothing is. */
export function readInstance(paths: LabPaths): Instance | null {
  try {
    return JSON.parse(readFileSync(join(paths.stateDir, "lab.json"), "utf8")) as Instance;
  } catch {
    return null;
  }
}

/** Remembers an instance, and marks its place, so that another checkout does not take it over. */
export function writeInstance(paths: LabPaths, instance: Instance): void {
  mkdirSync(paths.stateDir, { recursive: true });
  mkdirSync(paths.runDir, { recursive: true });
  writeFileSync(join(paths.stateDir, "lab.json"), JSON.stringify(instance));
  writeFileSync(join(paths.runDir, "image"), `${instance.image}\n`);
  writeFileSync(join(paths.runDir, "owner"), paths.stateDir);
}

/** Where another checkout keeps the instance of this name, or null if it is not another's. */
export function foreignOwner(paths: LabPaths): string | null {
  const path = join(paths.runDir, "owner");
  const owner = existsSync(path) ? readFileSync(path, "utf8") : paths.stateDir;
  return owner === paths.stateDir ? null : owner;
}

/**
 * Throws `CommandError` if an instance of this name is up that another checkout made. One in which
 * nothing runs any more, as when its machine was shut down in the middle, is nobody's.
 */
export function refuseForeign(paths: LabPaths): void {
  const owner = foreignOwner(paths);
  const lives = (): boolean => [paths.namespace, paths.crowdNamespace].some(hasProcesses);
  if (owner !== null && existsSync(owner) && lives()) {
    throw new CommandError(
      `a lab called '${paths.name}' is there already, of ${owner}. Take it down from that checkout, ` +
        `or call this one something else: SLUICE_LAB=other ./sluice lab ..`,
    );
  }
}

/** An instance that is up. Throws `CommandError` if it is not. */
export function readRunning(paths: LabPaths): { instance: Instance; topology: Topology } {
  const instance = readInstance(paths);
  if (instance === null || !namespaceExists(paths.namespace)) {
    const called = paths.name === "lab" ? "the lab" : `the lab called '${paths.name}'`;
    throw new CommandError(`${called} is not up; start it with ./sluice lab up`);
  }
  refuseForeign(paths);
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
