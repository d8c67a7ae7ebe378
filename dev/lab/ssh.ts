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
import type { Places } from "./config.ts";
import type { Topology } from "./topology.ts";

const HOST_KEY_ALIAS = "sluice-lab";

/** How the hosts of an instance are reached. All of them have the image's host key. */
export function sshSettings(places: Places, topology: Topology): SshSettings {
  return {
    ...places,
    hosts: topology.hosts,
    hostKeyLines: [
      `UserKnownHostsFile ${join(places.stateDir, "known_hosts")}`,
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
  places: Places,
  topology: Topology,
  image: string,
  caller: Caller | null,
): Promise<string> {
  const key = keyPath(places);
  if (!existsSync(`${key}.pub`)) {
    await runTool(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key]);
  }
  const hostKey = readFileSync(join(image, "hostkey.pub"), "utf8").trim();
  writeFileSync(join(places.stateDir, "known_hosts"), `${HOST_KEY_ALIAS} ${hostKey}\n`);
  writeSshConfig(sshSettings(places, topology), caller);
  return readFileSync(`${key}.pub`, "utf8").split(" ")[1] ?? "";
}

/** Ends the connection to a host that ssh keeps open, so that nobody waits for it to be found dead. */
export async function forgetConnection(places: Places, host: string): Promise<void> {
  if (!existsSync(sshConfigPath(places)) || !namespaceExists(places.namespace)) {
    return;
  }
  // It fails if there is none, which is as good.
  await tryTool(["ssh", "-F", sshConfigPath(places), "-O", "exit", host], "", FORGET_LIMIT_MS);
}

/** Command line of a command on a host; words are joined by ssh, and the host's shell reads them. */
export function sshCommand(places: Places, host: string, command: readonly string[]): string[] {
  return [
    "ssh",
    "-F",
    sshConfigPath(places),
    host,
    ...(command.length > 0 ? ["--"] : []),
    ...command,
  ];
}

/** Runs a command on a host and collects what it says. */
export async function askHost(
  places: Places,
  host: string,
  command: string,
  limitMs: number,
): Promise<ToolResult> {
  const words = ["ssh", "-n", "-F", sshConfigPath(places), "-o", "BatchMode=yes", host, command];
  return tryTool(insideCommand(places.namespace, words), "", limitMs);
}
