import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Caller, Places } from "./config.ts";
import type { Topology } from "./inventory.ts";
import { namespaceExists } from "./network.ts";
import { runTool, tryTool } from "./tool.ts";

/** A dead host's connection is given up after this long: the interval times the count. */
const ALIVE_INTERVAL_S = 3;
const ALIVE_COUNT = 3;
const PERSIST_S = 900;
const CONNECT_LIMIT_S = 5;
const FORGET_LIMIT_MS = 2_000;
const HOST_KEY_ALIAS = "sluice-lab";

/** Path of the key that opens every host of an instance. */
export function keyPath(places: Places): string {
  return join(places.stateDir, "key");
}

/** Path of the file that tells ssh all it needs: `ssh -F FILE HOST`. */
export function sshConfigPath(places: Places): string {
  return join(places.stateDir, "ssh_config");
}

/** Text of the file for `ssh -F`. Hosts are known by their name and by their address. */
export function sshConfig(places: Places, topology: Topology): string {
  const lines: string[] = [];
  for (const { name, address, user } of topology.hosts) {
    lines.push(`Host ${name} ${address}`, `  HostName ${address}`, `  User ${user}`);
  }
  lines.push(
    "Host *",
    `  IdentityFile ${keyPath(places)}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${join(places.stateDir, "known_hosts")}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    `  HostKeyAlias ${HOST_KEY_ALIAS}`,
    "  PreferredAuthentications publickey",
    "  ControlMaster auto",
    `  ControlPath ${join(places.runDir, "ssh", "%C")}`,
    `  ControlPersist ${PERSIST_S}`,
    `  ServerAliveInterval ${ALIVE_INTERVAL_S}`,
    `  ServerAliveCountMax ${ALIVE_COUNT}`,
    `  ConnectTimeout ${CONNECT_LIMIT_S}`,
    "  LogLevel ERROR",
  );
  return `${lines.join("\n")}\n`;
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
  writeFileSync(sshConfigPath(places), sshConfig(places, topology));
  const sockets = join(places.runDir, "ssh");
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  if (caller !== null) {
    chownSync(key, caller.uid, caller.gid);
    chownSync(sockets, caller.uid, caller.gid);
  }
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
