import { chownSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Caller } from "../lab/config.ts";
import { type ToolResult, tryTool } from "../lab/tool.ts";
import type { VagrantPlaces } from "./config.ts";
import { onControlMachine } from "./inside.ts";
import type { Machine } from "./inventory.ts";

/** A dead host's connection is given up after this long: the interval times the count. */
const ALIVE_INTERVAL_S = 5;
const ALIVE_COUNT = 6;
const PERSIST_S = 900;
/** A host under emulation takes its time to answer. */
const CONNECT_LIMIT_S = 20;
const FORGET_LIMIT_MS = 2_000;

/** Path of the file that tells ssh all it needs: `ssh -F FILE HOST`. */
export function vagrantSshConfigPath(places: VagrantPlaces): string {
  return join(places.stateDir, "ssh_config");
}

/** Text of the file for `ssh -F`. Hosts are known by their name and by their address. */
export function vagrantSshConfig(places: VagrantPlaces, machines: readonly Machine[]): string {
  const hosts = machines.map(
    ({ name, address }) => `Host ${name} ${address}\n  HostName ${address}`,
  );
  return `${[
    ...hosts,
    "Host *",
    "  User vagrant",
    `  IdentityFile ${join(places.stateDir, "key")}`,
    "  IdentitiesOnly yes",
    // Machines that are made anew have other keys, and the one that lets us in is public.
    "  UserKnownHostsFile /dev/null",
    "  StrictHostKeyChecking no",
    "  ControlMaster auto",
    `  ControlPath ${join(places.runDir, "ssh", "%C")}`,
    `  ControlPersist ${PERSIST_S}`,
    `  ServerAliveInterval ${ALIVE_INTERVAL_S}`,
    `  ServerAliveCountMax ${ALIVE_COUNT}`,
    `  ConnectTimeout ${CONNECT_LIMIT_S}`,
    "  LogLevel ERROR",
  ].join("\n")}\n`;
}

/** Writes the configuration, with the key that Vagrant keeps in `home`. */
export function prepareVagrantSsh(
  places: VagrantPlaces,
  machines: readonly Machine[],
  home: string,
  caller: Caller | null,
): void {
  const key = join(places.stateDir, "key");
  copyFileSync(join(home, "insecure_private_key"), key);
  writeFileSync(vagrantSshConfigPath(places), vagrantSshConfig(places, machines));
  const sockets = join(places.runDir, "ssh");
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  if (caller !== null) {
    chownSync(key, caller.uid, caller.gid);
    chownSync(sockets, caller.uid, caller.gid);
  }
}

/** Runs a command line on a machine and collects what it says. */
export async function askMachine(
  places: VagrantPlaces,
  name: string,
  command: string,
  limitMs: number,
): Promise<ToolResult> {
  const ssh = ["ssh", "-n", "-F", vagrantSshConfigPath(places), "-o", "BatchMode=yes"];
  return tryTool(onControlMachine(places, [...ssh, name, command]), "", limitMs);
}

/** Ends the connection that ssh keeps open, so that nobody waits for it to be found dead. */
export async function forgetMachine(places: VagrantPlaces, name: string): Promise<void> {
  const ssh = ["ssh", "-F", vagrantSshConfigPath(places), "-O", "exit", name];
  // It fails if there is none, which is as good.
  await tryTool(onControlMachine(places, ssh), "", FORGET_LIMIT_MS);
}
