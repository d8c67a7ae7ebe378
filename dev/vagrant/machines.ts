import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { withLock } from "../host/host-lock.ts";
import { runTool, tryTool } from "../host/tool.ts";
import { waitUntil } from "../host/wait.ts";
import type { VagrantPlaces } from "./config.ts";
import { machinesPath, withLibvirt } from "./inside.ts";
import { LIBVIRT_URI } from "./libvirt.ts";
import type { Machine } from "./machine.ts";
import { askMachine, forgetMachine } from "./ssh.ts";

/** From power on to an answer by ssh, under emulation, all machines at once. */
const READY_LIMIT_MS = 900_000;
const READY_POLL_MS = 1_000;
const ASK_LIMIT_MS = 30_000;

/** A command line of virsh. */
export function virsh(places: VagrantPlaces, words: readonly string[]): string[] {
  return withLibvirt(places, ["virsh", "--quiet", "--connect", LIBVIRT_URI, ...words]);
}

/** Takes the power from machines, or gives it back to them and waits until they answer. */
export async function setMachinePower(
  places: VagrantPlaces,
  state: "on" | "off",
  machines: readonly Machine[],
  say: (line: string) => void,
): Promise<void> {
  await Promise.all(
    machines.map(({ name }) =>
      withLock(`vagrant/${name}`, say, () =>
        state === "off" ? cutPower(places, name) : givePower(places, name),
      ),
    ),
  );
}

async function cutPower(places: VagrantPlaces, name: string): Promise<void> {
  if (await isOn(places, name)) {
    await runTool(virsh(places, ["destroy", domainOf(places, name)]));
  }
  await forgetMachine(places, name);
}

async function givePower(places: VagrantPlaces, name: string): Promise<void> {
  if (!(await isOn(places, name))) {
    await runTool(virsh(places, ["start", domainOf(places, name)]));
  }
  const isReady = async (): Promise<boolean> =>
    (await askMachine(places, name, "true", ASK_LIMIT_MS)).exitCode === 0;
  if (!(await waitUntil(READY_LIMIT_MS, READY_POLL_MS, isReady))) {
    throw new CommandError(`${name} does not answer by ssh within ${READY_LIMIT_MS / 1_000} s`);
  }
}

async function isOn(places: VagrantPlaces, name: string): Promise<boolean> {
  const { stdout } = await tryTool(virsh(places, ["domstate", domainOf(places, name)]));
  return stdout.startsWith("running");
}

/** Whether Vagrant has made this machine; it may be off. */
export function isMade(places: VagrantPlaces, name: string): boolean {
  return existsSync(idPath(places, name));
}

function domainOf(places: VagrantPlaces, name: string): string {
  if (!isMade(places, name)) {
    throw new CommandError(`Vagrant has made no machine '${name}'; see ./sluice vagrant status`);
  }
  return readFileSync(idPath(places, name), "utf8").trim();
}

/** Vagrant keeps libvirt's id of a machine. */
function idPath(places: VagrantPlaces, name: string): string {
  return join(machinesPath(places), "machines", name, "libvirt", "id");
}
