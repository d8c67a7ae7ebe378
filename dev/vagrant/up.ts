import { chownSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { addBox } from "../box/add.ts";
import { provideBox } from "../box/build.ts";
import { BOX_NAME, readBoxName, readVagrantHome } from "../box/config.ts";
import { runAttached } from "../host/attached.ts";
import { ROOT } from "../host/checkout.ts";
import { readCaller } from "../host/environment.ts";
import { type ReportLine } from "../host/report-line.ts";
import { runTool } from "../host/tool.ts";
import { CROWD_GATEWAY, CROWD_SUBNET, type VagrantPaths } from "./config.ts";
import { tearDownMachines } from "./down.ts";
import { homePath, machinesPath, vagrantEnvironment, withLibvirt } from "./inside.ts";
import {
  readRememberedPaths,
  readVagrantInstance,
  refuseForeignMachines,
  writeVagrantInstance,
} from "./instance.ts";
import { libvirtAnswers, startLibvirt } from "./libvirt.ts";
import { type Machine, readMachines } from "./machine.ts";
import { isMade, virsh } from "./machines.ts";
import { letCrowdIn, makeNamespaces } from "./network.ts";
import { askMachine, prepareVagrantSsh } from "./ssh.ts";

const ROUTE_LIMIT_MS = 120_000;

/**
 * Brings the virtual machines up with `vagrant up`, to which `words` are passed on, around which it
 * puts what it needs: box, libvirt, networks. Returns Vagrant's exit code.
 */
export async function bringMachinesUp(
  paths: VagrantPaths,
  inventory: string,
  words: readonly string[],
  report: ReportLine,
): Promise<number> {
  refuseForeignMachines(paths);
  const machines = readMachines(inventory);
  const former = readVagrantInstance(paths);
  const isUp = former !== null && (await libvirtAnswers(readRememberedPaths(paths)));
  if (isUp && (former.inventory !== inventory || former.libvirt !== paths.libvirt)) {
    throw new CommandError(
      `${former.inventory} is up, in the libvirt '${former.libvirt}'; ` +
        "./sluice vagrant down comes first",
    );
  }
  if (!isUp) {
    await prepareLibvirt(paths, inventory, report);
  }
  await prepareVagrant(paths, inventory, machines, report);
  const exitCode = await runVagrant(paths, inventory, ["up", "--no-tty", ...words]);
  if (exitCode === 0 && paths.libvirt === "own") {
    await letCrowdIn(paths);
    await tellWayToCrowd(
      paths,
      machines.filter(({ name }) => isMade(paths, name)),
    );
  }
  return exitCode;
}

/** Runs Vagrant on this terminal, with what it needs around it, and returns its exit code. */
export async function runVagrant(
  paths: VagrantPaths,
  inventory: string,
  words: readonly string[],
): Promise<number> {
  return runAttached(withLibvirt(paths, ["vagrant", ...words]), {
    cwd: ROOT,
    environment: vagrantEnvironment(paths, inventory),
  });
}

/** What is left of an earlier run goes. */
async function prepareLibvirt(
  paths: VagrantPaths,
  inventory: string,
  report: ReportLine,
): Promise<void> {
  await tearDownMachines(readRememberedPaths(paths));
  writeVagrantInstance(paths, { inventory, libvirt: paths.libvirt });
  if (paths.libvirt === "own") {
    await makeNamespaces(paths);
    await startLibvirt(paths);
    report(`libvirt runs in the network namespace ${paths.namespace}.`);
  } else if (!(await libvirtAnswers(paths))) {
    throw new CommandError("this machine's own libvirt does not answer (virsh uri)");
  }
}

/** Vagrant's directories, its box, and the way to log in. */
async function prepareVagrant(
  paths: VagrantPaths,
  inventory: string,
  machines: readonly Machine[],
  report: ReportLine,
): Promise<void> {
  const caller = readCaller();
  const home = homePath(paths);
  for (const directory of [home, machinesPath(paths)]) {
    mkdirSync(directory, { recursive: true });
    if (caller !== null) {
      chownSync(directory, caller.uid, caller.gid);
    }
  }
  lendPlugins(home);
  const environment = vagrantEnvironment(paths, inventory);
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = (words: readonly string[]): string[] =>
    withLibvirt(paths, ["env", ...settings, "vagrant", ...words]);
  if (readBoxName() === BOX_NAME) {
    const box = await provideBox(report);
    await addBox(box, { home, command, virsh: (words) => virsh(paths, words) });
  }
  // It makes the key on its first call.
  if (!existsSync(join(home, "insecure_private_key"))) {
    await runTool(command(["box", "list"]));
  }
  prepareVagrantSsh(paths, machines, home, caller);
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
async function tellWayToCrowd(paths: VagrantPaths, machines: readonly Machine[]): Promise<void> {
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
      const { exitCode, stderr } = await askMachine(paths, name, script, ROUTE_LIMIT_MS);
      if (exitCode !== 0) {
        throw new CommandError(
          `${name} does not take the route to ${CROWD_GATEWAY}: ${stderr.trim()}`,
        );
      }
    }),
  );
}
