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
import type { VagrantPaths } from "./config.ts";
import { onControlMachine } from "./inside.ts";
import type { Machine } from "./machine.ts";

/** How the virtual machines are reached; one under emulation takes its time to answer. */
export function vagrantSshSettings(paths: VagrantPaths, machines: readonly Machine[]): SshSettings {
  return {
    ...paths,
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
  paths: VagrantPaths,
  machines: readonly Machine[],
  home: string,
  caller: Caller | null,
): void {
  copyFileSync(join(home, "insecure_private_key"), keyPath(paths));
  writeSshConfig(vagrantSshSettings(paths, machines), caller);
}

/** Runs a command line on a machine and collects what it prints. */
export async function askMachine(
  paths: VagrantPaths,
  name: string,
  command: string,
  limitMs: number,
): Promise<ToolResult> {
  const ssh = ["ssh", "-n", "-F", sshConfigPath(paths), "-o", "BatchMode=yes"];
  return tryTool(onControlMachine(paths, [...ssh, name, command]), "", limitMs);
}

/** Ends the connection that ssh keeps open, so that nobody waits for it to be found dead. */
export async function forgetMachine(paths: VagrantPaths, name: string): Promise<void> {
  const ssh = ["ssh", "-F", sshConfigPath(paths), "-O", "exit", name];
  // It fails if there is none, which is as good.
  await tryTool(onControlMachine(paths, ssh), "", FORGET_LIMIT_MS);
}
