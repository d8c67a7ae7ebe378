import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { readCaller } from "../host/environment.ts";
import { withLock } from "../host/host-lock.ts";
import { pickHosts } from "../host/inventory.ts";
import { namespaceExists } from "../host/namespace.ts";
import { type ReportLine } from "../host/report-line.ts";
import { type LabPaths } from "./config.ts";
import { tearDown } from "./down.ts";
import type { Boot } from "./guest-command.ts";
import { isOn, readConsoleEnd, startGuest } from "./guest.ts";
import { nameImage, provideImage } from "./image.ts";
import {
  foreignOwner,
  type Instance,
  INVENTORY_DEFAULT,
  readInstance,
  readInventory,
  refuseForeign,
  writeInstance,
} from "./instance.ts";
import { controlBatch, crowdBatch, makeNetwork, makeTaps } from "./network.ts";
import { checkMachine } from "./preconditions.ts";
import { askHost, prepareSsh } from "./ssh.ts";
import type { LabHost, Topology } from "./topology.ts";

/** From power on to an answer by ssh; seconds on an idle machine, a minute on a crowded one. */
const READY_LIMIT_MS = 240_000;
const ASK_LIMIT_MS = 8_000;
const ASK_PAUSE_MS = 400;
/** Hosts that boot at a time, for each processor: more would only wait for each other. */
const BOOTS_PER_PROCESSOR = 2;

/** Brings an instance up: image, network, keys, hosts. What is up already is left as it is. */
export async function bringUp(
  paths: LabPaths,
  inventory: string | null,
  names: readonly string[],
  report: ReportLine,
): Promise<void> {
  refuseForeign(paths);
  if (foreignOwner(paths) !== null) {
    report(
      "Another checkout left a lab of this name behind, in which nothing runs; it is removed.",
    );
    await tearDown(paths, { keepDisks: true });
  }
  const former = readInstance(paths);
  const path = inventory ?? former?.inventory ?? INVENTORY_DEFAULT;
  const topology = readInventory(path);
  const hosts = pickHosts(topology.hosts, names);
  const running = former !== null && namespaceExists(paths.namespace);
  if (running && former.inventory !== path) {
    throw new CommandError(`the lab is up with ${former.inventory}; ./sluice lab down comes first`);
  }
  const off = hosts.filter(({ name }) => !isOn(paths, name));
  checkMachine(off);
  const image = await imageOf(paths, former, report);
  await provideNetwork(paths, topology, former?.image === image, report);
  writeInstance(paths, { inventory: path, image });
  const publicKey = await prepareSsh(paths, topology, image, readCaller());
  await bootAll(paths, topology, hosts, { image, publicKey }, report);
}

/** An instance with disks goes on with the image that they are differences from, if it exists. */
async function imageOf(
  paths: LabPaths,
  former: Instance | null,
  report: ReportLine,
): Promise<string> {
  if (former !== null && existsSync(former.image)) {
    if (former.image !== (await nameImage(paths))) {
      report("The image has changed since; this lab goes on with its own until down and up again.");
    }
    return former.image;
  }
  return provideImage(paths, report);
}

/** Leaves a whole network as it is; what is left of a broken one goes, and all that hangs on it. */
async function provideNetwork(
  paths: LabPaths,
  topology: Topology,
  keepDisks: boolean,
  report: ReportLine,
): Promise<void> {
  // Written last when a network is made: it shows that the network is whole, and what it is.
  const mark = join(paths.runDir, "network");
  const wanted = [...controlBatch(topology, paths.crowdNamespace), ...crowdBatch(topology)].join(
    "\n",
  );
  const present = existsSync(mark) ? readFileSync(mark, "utf8") : null;
  const { namespace, crowdNamespace } = paths;
  if (present === null || !namespaceExists(namespace) || !namespaceExists(crowdNamespace)) {
    if (existsSync(paths.stateDir)) {
      report(
        `An earlier run left this lab behind; its disks are ${keepDisks ? "kept" : "removed"}.`,
      );
    }
    await tearDown(paths, { keepDisks });
    mkdirSync(paths.stateDir, { recursive: true });
    mkdirSync(paths.runDir, { recursive: true });
    await makeNetwork(paths, topology);
    writeFileSync(mark, wanted);
  } else if (present !== wanted) {
    throw new CommandError(
      "the networks in the inventory are not those that the lab is up with; " +
        "./sluice lab down comes first",
    );
  }
  await makeTaps(paths, topology);
}

/** Boots what is off, a few at a time, and waits until all of them let somebody in. */
export async function bootAll(
  paths: LabPaths,
  topology: Topology,
  hosts: readonly LabHost[],
  boot: Boot,
  report: ReportLine,
): Promise<void> {
  const beganMs = performance.now();
  const waiting = [...hosts];
  const failures: string[] = [];
  const work = async (): Promise<void> => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      await withLock(`${paths.name}/${host.name}`, report, async () => {
        if (!isOn(paths, host.name)) {
          await startGuest(paths, topology, host, boot);
        }
      });
      const failure = await awaitReady(paths, host.name);
      if (failure === null) {
        const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
        report(`${host.name.padEnd(11)} ${host.address.padEnd(15)} ready after ${seconds} s`);
      } else {
        failures.push(failure);
      }
    }
  };
  const workers = Math.max(2, cpus().length * BOOTS_PER_PROCESSOR);
  await Promise.all(Array.from({ length: workers }, work));
  if (failures.length > 0) {
    throw new CommandError(failures.join("\n"));
  }
}

/** Waits until ssh answers; null, or why it does not. */
async function awaitReady(paths: LabPaths, host: string): Promise<string | null> {
  const endMs = performance.now() + READY_LIMIT_MS;
  while (performance.now() < endMs) {
    if ((await askHost(paths, host, "true", ASK_LIMIT_MS)).exitCode === 0) {
      return null;
    }
    if (!isOn(paths, host)) {
      return `${host} ended while it booted. Its console ends with:\n${readConsoleEnd(paths, host)}`;
    }
    await Bun.sleep(ASK_PAUSE_MS);
  }
  const seconds = READY_LIMIT_MS / 1_000;
  return (
    `${host} does not answer by ssh within ${seconds} s. Its console ends with:\n` +
    readConsoleEnd(paths, host)
  );
}
