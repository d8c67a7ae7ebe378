import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Caller } from "./environment.ts";

/** How long the connection to a host stays open for the next command, in seconds. */
const PERSIST_S = 900;
/** How long ssh takes at most to end a kept connection. */
export const FORGET_LIMIT_MS = 2_000;

export interface SshHost {
  readonly name: string;
  readonly address: string;
  readonly user: string;
}

export interface SshSettings {
  readonly stateDir: string;
  /** Short paths, for sockets. */
  readonly runDir: string;
  readonly hosts: readonly SshHost[];
  /** How a host's own key is judged: lines of ssh_config(5). */
  readonly hostKeyLines: readonly string[];
  /** A dead host's connection is given up after this long: the interval times the count. */
  readonly aliveIntervalS: number;
  readonly aliveCount: number;
  readonly connectLimitS: number;
}

/** Path of the key that opens every host. */
export function keyPath({ stateDir }: { readonly stateDir: string }): string {
  return join(stateDir, "key");
}

/** Path of the file with all that ssh needs: `ssh -F FILE HOST`. */
export function sshConfigPath({ stateDir }: { readonly stateDir: string }): string {
  return join(stateDir, "ssh_config");
}

/** Text of the file for `ssh -F`. Hosts are known by their name and by their address. */
export function formatSshConfig(settings: SshSettings): string {
  const hosts = settings.hosts.map(
    ({ name, address, user }) => `Host ${name} ${address}\n  HostName ${address}\n  User ${user}`,
  );
  return `${[
    ...hosts,
    "Host *",
    `  IdentityFile ${keyPath(settings)}`,
    "  IdentitiesOnly yes",
    ...settings.hostKeyLines.map((line) => `  ${line}`),
    "  PreferredAuthentications publickey",
    "  ControlMaster auto",
    `  ControlPath ${join(settings.runDir, "ssh", "%C")}`,
    `  ControlPersist ${PERSIST_S}`,
    `  ServerAliveInterval ${settings.aliveIntervalS}`,
    `  ServerAliveCountMax ${settings.aliveCount}`,
    `  ConnectTimeout ${settings.connectLimitS}`,
    "  LogLevel ERROR",
  ].join("\n")}\n`;
}

/** Writes that file, and lets whoever called use the key and the kept connections. */
export function writeSshConfig(settings: SshSettings, caller: Caller | null): void {
  writeFileSync(sshConfigPath(settings), formatSshConfig(settings));
  const sockets = join(settings.runDir, "ssh");
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  if (caller !== null) {
    chownSync(keyPath(settings), caller.uid, caller.gid);
    chownSync(sockets, caller.uid, caller.gid);
  }
}
