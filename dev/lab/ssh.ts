import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Caller } from "../host/environment.ts";
import { insideCommand, namespaceExists } from "../host/namespace.ts";
import {
  FORGET_LIMIT_MS,
  keyPath,
  sshConfigPath,
  type SshSettings,
  writeSshConfig,
} from "../host/ssh.ts";
import { runTool, type ToolResult, tryTool } from "../host/tool.ts";
import type { LabPaths } from "./config.ts";
import type { Topology } from "./topology.ts";

const HOST_KEY_ALIAS = "sluice-lab";

/** How the hosts of an instance are reached. All of them have the image's host key. */
export function sshSettings(paths: LabPaths, topology: Topology): SshSettings {
  return {
    ...paths,
    hosts: topology.hosts,
    hostKeyLines: [
      `UserKnownHostsFile ${join(paths.stateDir, "known_hosts")}`,
      "GlobalKnownHostsFile /dev/null",
      "StrictHostKeyChecking yes",
      `HostKeyAlias ${HOST_KEY_ALIAS}`,
    ],
    aliveIntervalS: 3,
    aliveCount: 3,
    connectLimitS: 5,
  };
}

/** Makes key, known hosts and configuration, and returns the public key, without type and name. */
export async function prepareSsh(
  paths: LabPaths,
  topology: Topology,
  image: string,
  caller: Caller | null,
): Promise<string> {
  const key = keyPath(paths);
  if (!existsSync(`${key}.pub`)) {
    await runTool(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key]);
  }
  const hostKey = readFileSync(join(image, "hostkey.pub"), "utf8").trim();
  writeFileSync(join(paths.stateDir, "known_hosts"), `${HOST_KEY_ALIAS} ${hostKey}\n`);
  writeSshConfig(sshSettings(paths, topology), caller);
  return readFileSync(`${key}.pub`, "utf8").split(" ")[1] ?? "";
}

/** Ends the connection to a host that ssh keeps open, so that nobody waits for it to be found dead. */
export async function forgetConnection(paths: LabPaths, host: string): Promise<void> {
  if (!existsSync(sshConfigPath(paths)) || !namespaceExists(paths.namespace)) {
    return;
  }
  // It fails if there is none, which is as good.
  await tryTool(["ssh", "-F", sshConfigPath(paths), "-O", "exit", host], "", FORGET_LIMIT_MS);
}

/** Command line of a command on a host; words are joined by ssh, and the host's shell reads them. */
export function sshCommand(paths: LabPaths, host: string, command: readonly string[]): string[] {
  return [
    "ssh",
    "-F",
    sshConfigPath(paths),
    host,
    ...(command.length > 0 ? ["--"] : []),
    ...command,
  ];
}

/** Runs a command on a host and collects what it prints. */
export async function askHost(
  paths: LabPaths,
  host: string,
  command: string,
  limitMs: number,
): Promise<ToolResult> {
  const words = ["ssh", "-n", "-F", sshConfigPath(paths), "-o", "BatchMode=yes", host, command];
  return tryTool(insideCommand(paths.namespace, words), "", limitMs);
}
