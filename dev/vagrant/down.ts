import { existsSync, rmSync } from "node:fs";

import { listProcesses, removeNamespaces } from "../host/namespace.ts";
import { killAll } from "../host/process-table.ts";
import { tryTool } from "../host/tool.ts";
import { type VagrantPaths } from "./config.ts";
import { vagrantEnvironment, withLibvirt } from "./inside.ts";
import { readVagrantInstance } from "./instance.ts";
import { libvirtAnswers } from "./libvirt.ts";
import { virsh } from "./machines.ts";

const DESTROY_LIMIT_MS = 300_000;

/**
 * Ends everything that there is of the virtual machines, in whatever state it is: machines, libvirt
 * and whatever else runs in the namespaces, the namespaces, and what is kept. Returns what
 * `vagrant destroy` left, a line each, which is to be nothing.
 */
export async function tearDownMachines(paths: VagrantPaths): Promise<string[]> {
  const instance = readVagrantInstance(paths);
  let left: string[] = [];
  if (instance !== null && (await libvirtAnswers(paths))) {
    const settings = Object.entries(vagrantEnvironment(paths, instance.inventory));
    const variables = settings.map(([name, value]) => `${name}=${value}`);
    const destroy = ["env", ...variables, "vagrant", "destroy", "--force", "--no-tty"];
    const { exitCode, stdout, stderr } = await tryTool(
      withLibvirt(paths, destroy),
      "",
      DESTROY_LIMIT_MS,
    );
    left = exitCode === 0 ? await listLeft(paths) : [`${stdout}${stderr}`.trim()];
  }
  if (paths.libvirt === "own") {
    for (const namespace of [paths.crowdNamespace, paths.namespace]) {
      await killAll(() => listProcesses(namespace));
    }
    await removeNamespaces([paths.crowdNamespace, paths.namespace]);
  } else if (left.length > 0) {
    // They go on running in the machine's libvirt, and what Vagrant knows of them is needed.
    return left;
  }
  rmSync(paths.runDir, { recursive: true, force: true });
  rmSync(paths.stateDir, { recursive: true, force: true });
  return left;
}

/** Whether there is anything that `down` would have to end. */
export function existMachines(paths: VagrantPaths): boolean {
  return [paths.stateDir, paths.runDir, `/run/netns/${paths.namespace}`].some(existsSync);
}

/** Machines, networks and disks that libvirt still has. The box itself is no machine's disk. */
async function listLeft(paths: VagrantPaths): Promise<string[]> {
  if (paths.libvirt === "system") {
    // Others may have theirs.
    return [];
  }
  const questions = [
    ["list", "--all", "--name"],
    ["net-list", "--all", "--name"],
    ["vol-list", "default"],
  ];
  const answers = await Promise.all(questions.map((words) => tryTool(virsh(paths, words))));
  return answers
    .flatMap(({ stdout }) => stdout.split("\n").map((line) => line.trim()))
    .filter((line) => line !== "" && !line.includes("_vagrant_box_image_"));
}
