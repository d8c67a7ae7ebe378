import { chownSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { addBox } from "../box/add.ts";
import { provideBox } from "../box/build.ts";
import { BOX_NAME, readBoxName, readVagrantHome } from "../box/config.ts";
import { runAttached } from "../host/attached.ts";
import { ROOT } from "../host/checkout.ts";
import { readCaller } from "../host/environment.ts";
import { runTool } from "../host/tool.ts";
import { CROWD_GATEWAY, CROWD_SUBNET, type VagrantPlaces } from "./config.ts";
import { tearDownMachines } from "./down.ts";
import { homePath, machinesPath, vagrantEnvironment, withLibvirt } from "./inside.ts";
import {
  readVagrantInstance,
  refuseForeignMachines,
  rememberedPlaces,
  writeVagrantInstance,
} from "./instance.ts";
import { libvirtAnswers, startLibvirt } from "./libvirt.ts";
import { type Machine, readMachines } from "./machine.ts";
import { isMade, virsh } from "./machines.ts";
import { letCrowdIn, makeNamespaces } from "./network.ts";
import { askMachine, prepareVagrantSsh } from "./ssh.ts";

const ROUTE_LIMIT_MS = 120_000;

export type Say = (line: string) => void;

/**
 * Brings the virtual machines up with `vagrant up`, to which `words` are passed on, around which it
 * puts what it needs: box, libvirt, networks. Returns Vagrant's exit code.
 */
export async function bringMachinesUp(
  places: VagrantPlaces,
  inventory: string,
  words: readonly string[],
  say: Say,
): Promise<number> {
  refuseForeignMachines(places);
  const machines = readMachines(inventory);
  const former = readVagrantInstance(places);
  const isUp = former !== null && (await libvirtAnswers(rememberedPlaces(places)));
  if (isUp && (former.inventory !== inventory || former.libvirt !== places.libvirt)) {
    throw new CommandError(
      `${former.inventory} is up, in the libvirt '${former.libvirt}'; ` +
        "./sluice vagrant down comes first",
    );
  }
  if (!isUp) {
    await prepareLibvirt(places, inventory, say);
  }
  await prepareVagrant(places, inventory, machines, say);
  const exitCode = await runVagrant(places, inventory, ["up", "--no-tty", ...words]);
  if (exitCode === 0 && places.libvirt === "own") {
    await letCrowdIn(places);
    await tellWayToCrowd(
      places,
      machines.filter(({ name }) => isMade(places, name)),
    );
  }
  return exitCode;
}

/** Runs Vagrant on this terminal, with what it needs around it, and returns its exit code. */
export async function runVagrant(
  places: VagrantPlaces,
  inventory: string,
  words: readonly string[],
): Promise<number> {
  return runAttached(withLibvirt(places, ["vagrant", ...words]), {
    cwd: ROOT,
    environment: vagrantEnvironment(places, inventory),
  });
}

/** What is left of an earlier run goes. */
async function prepareLibvirt(places: VagrantPlaces, inventory: string, say: Say): Promise<void> {
  await tearDownMachines(rememberedPlaces(places));
  writeVagrantInstance(places, { inventory, libvirt: places.libvirt });
  if (places.libvirt === "own") {
    await makeNamespaces(places);
    await startLibvirt(places);
    say(`libvirt runs in the network namespace ${places.namespace}.`);
  } else if (!(await libvirtAnswers(places))) {
    throw new CommandError("this machine's own libvirt does not answer (virsh uri)");
  }
}

/** Vagrant's directories, its box, and the way to log in. */
async function prepareVagrant(
  places: VagrantPlaces,
  inventory: string,
  machines: readonly Machine[],
  say: Say,
): Promise<void> {
  const caller = readCaller();
  const home = homePath(places);
  for (const directory of [home, machinesPath(places)]) {
    mkdirSync(directory, { recursive: true });
    if (caller !== null) {
      chownSync(directory, caller.uid, caller.gid);
    }
  }
  lendPlugins(home);
  const environment = vagrantEnvironment(places, inventory);
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = (words: readonly string[]): string[] =>
    withLibvirt(places, ["env", ...settings, "vagrant", ...words]);
  if (readBoxName() === BOX_NAME) {
    const box = await provideBox(say);
    await addBox(box, { home, command, virsh: (words) => virsh(places, words) });
  }
  // It makes the key on its first call.
  if (!existsSync(join(home, "insecure_private_key"))) {
    await runTool(command(["box", "list"]));
  }
  prepareVagrantSsh(places, machines, home, caller);
}

/** A Vagrant that is not Debian's has its plugins in the home of whoever installed them. */
function lendPlugins(home: string): void {
  for (const name of ["plugins.json", "gems"]) {
    const lent = join(readVagrantHome(), name);
    if (existsSync(lent) && !existsSync(join(home, name))) {
      symlinkSync(lent, join(home, name));
    }
  }
}

/**
 * Tells the machines the way to the crowd, which is not a matter of the topology: its default route
 * is Vagrant's. For now, and for when they boot again.
 */
async function tellWayToCrowd(places: VagrantPlaces, machines: readonly Machine[]): Promise<void> {
  await Promise.all(
    machines.map(async ({ name, address }) => {
      const router = address.replace(/\d+$/, "1");
      const route = `[Route]\\nDestination=${CROWD_SUBNET}\\nGateway=${router}\\n`;
      const script = [
        "set -e",
        `file=$(grep -lF ${address}/ /etc/systemd/network/*.network)`,
        'sudo mkdir -p "$file.d"',
        `printf '${route}' | sudo tee "$file.d/crowd.conf" >/dev/null`,
        `sudo ip route replace ${CROWD_SUBNET} via ${router}`,
      ].join("; ");
      const { exitCode, stderr } = await askMachine(places, name, script, ROUTE_LIMIT_MS);
      if (exitCode !== 0) {
        throw new CommandError(
          `${name} does not take the route to ${CROWD_GATEWAY}: ${stderr.trim()}`,
        );
      }
    }),
  );
}
