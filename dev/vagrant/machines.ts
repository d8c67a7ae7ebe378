import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { withLock } from "../host/host-lock.ts";
import { type ReportLine } from "../host/report-line.ts";
import { runTool, tryTool } from "../host/tool.ts";
import { waitUntil } from "../host/wait.ts";
import type { VagrantPaths } from "./config.ts";
import { machinesPath, withLibvirt } from "./inside.ts";
import { LIBVIRT_URI } from "./libvirt.ts";
import type { Machine } from "./machine.ts";
import { askMachine, forgetMachine } from "./ssh.ts";

/** From power on to an answer by ssh, under emulation, all machines at once. */
const READY_LIMIT_MS = 900_000;
const READY_POLL_MS = 1_000;
const ASK_LIMIT_MS = 30_000;

/** A command line of virsh. */
export function virsh(paths: VagrantPaths, words: readonly string[]): string[] {
  return withLibvirt(paths, ["virsh", "--quiet", "--connect", LIBVIRT_URI, ...words]);
}

/** Takes the power from machines, or gives it back to them and waits until they answer. */
export async function setMachinePower(
  paths: VagrantPaths,
  state: "on" | "off",
  machines: readonly Machine[],
  report: ReportLine,
): Promise<void> {
  await Promise.all(
    machines.map(({ name }) =>
      withLock(`vagrant/${name}`, report, () =>
        state === "off" ? cutPower(paths, name) : givePower(paths, name),
      ),
    ),
  );
}

async function cutPower(paths: VagrantPaths, name: string): Promise<void> {
  if (await isOn(paths, name)) {
    await runTool(virsh(paths, ["destroy", domainOf(paths, name)]));
  }
  await forgetMachine(paths, name);
}

async function givePower(paths: VagrantPaths, name: string): Promise<void> {
  if (!(await isOn(paths, name))) {
    await runTool(virsh(paths, ["start", domainOf(paths, name)]));
  }
  const isReady = async (): Promise<boolean> =>
    (await askMachine(paths, name, "true", ASK_LIMIT_MS)).exitCode === 0;
  if (!(await waitUntil(READY_LIMIT_MS, READY_POLL_MS, isReady))) {
    throw new CommandError(`${name} does not answer by ssh within ${READY_LIMIT_MS / 1_000} s`);
  }
}

async function isOn(paths: VagrantPaths, name: string): Promise<boolean> {
  const { stdout } = await tryTool(virsh(paths, ["domstate", domainOf(paths, name)]));
  return stdout.startsWith("running");
}

/** Whether Vagrant has made this machine; it may be off. */
export function isMade(paths: VagrantPaths, name: string): boolean {
  return existsSync(idPath(paths, name));
}

function domainOf(paths: VagrantPaths, name: string): string {
  if (!isMade(paths, name)) {
    throw new CommandError(`Vagrant has made no machine '${name}'; see ./sluice vagrant status`);
  }
  return readFileSync(idPath(paths, name), "utf8").trim();
}

/** Vagrant keeps libvirt's id of a machine. */
function idPath(paths: VagrantPaths, name: string): string {
  return join(machinesPath(paths), "machines", name, "libvirt", "id");
}
