import { copyFileSync } from "node:fs";
import { join } from "node:path";

import type { Caller } from "../host/environment.ts";
import {
  FORGET_LIMIT_MS,
  keyPath,
  sshConfigPath,
  type SshSettings,
  writeSshConfig,
} from "../host/ssh.ts";
import { type ToolResult, tryTool } from "../host/tool.ts";
import type { VagrantPlaces } from "./config.ts";
import { onControlMachine } from "./inside.ts";
import type { Machine } from "./machine.ts";

/** How the virtual machines are reached; one under emulation takes its time to answer. */
export function vagrantSshSettings(
  places: VagrantPlaces,
  machines: readonly Machine[],
): SshSettings {
  return {
    ...places,
    hosts: machines.map(({ name, address }) => ({ name, address, user: "vagrant" })),
    // Machines that are made anew have other keys, and the one that lets us in is public.
    hostKeyLines: ["UserKnownHostsFile /dev/null", "StrictHostKeyChecking no"],
    aliveIntervalS: 5,
    aliveCount: 6,
    connectLimitS: 20,
  };
}

/** Writes ssh's configuration, with the key that Vagrant keeps in `home`. */
export function prepareVagrantSsh(
  places: VagrantPlaces,
  machines: readonly Machine[],
  home: string,
  caller: Caller | null,
): void {
  copyFileSync(join(home, "insecure_private_key"), keyPath(places));
  writeSshConfig(vagrantSshSettings(places, machines), caller);
}

/** Runs a command line on a machine and collects what it says. */
export async function askMachine(
  places: VagrantPlaces,
  name: string,
  command: string,
  limitMs: number,
): Promise<ToolResult> {
  const ssh = ["ssh", "-n", "-F", sshConfigPath(places), "-o", "BatchMode=yes"];
  return tryTool(onControlMachine(places, [...ssh, name, command]), "", limitMs);
}

/** Ends the connection that ssh keeps open, so that nobody waits for it to be found dead. */
export async function forgetMachine(places: VagrantPlaces, name: string): Promise<void> {
  const ssh = ["ssh", "-F", sshConfigPath(places), "-O", "exit", name];
  // It fails if there is none, which is as good.
  await tryTool(onControlMachine(places, ssh), "", FORGET_LIMIT_MS);
}
