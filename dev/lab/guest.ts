import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { readEnvironment } from "../host/environment.ts";
import {
  identify,
  isRunning,
  killAll,
  listSession,
  type ProcessIdentity,
} from "../host/process-table.ts";
import { type LabPaths } from "./config.ts";
import { type Boot, guestCommand, MEMORY_DIR } from "./guest-command.ts";
import { forgetConnection } from "./ssh.ts";
import type { LabHost, Topology } from "./topology.ts";

const LOG_TAIL_LINES = 12;

/** Path of what a host prints on its console. */
export function consolePath(paths: LabPaths, host: string): string {
  return join(paths.stateDir, `${host}.log`);
}

/** Boots a host, in a session of its own, so that it outlives this command. */
export async function startGuest(
  paths: LabPaths,
  topology: Topology,
  host: LabHost,
  boot: Boot,
): Promise<void> {
  await forgetConnection(paths, host.name);
  const log = openSync(consolePath(paths, host.name), "w", 0o644);
  try {
    const child = Bun.spawn(
      ["ip", "netns", "exec", paths.namespace, ...guestCommand(paths, topology, host, boot)],
      {
        detached: true,
        stdin: "ignore",
        stdout: log,
        stderr: log,
        env: readEnvironment({ TMPDIR: MEMORY_DIR }),
      },
    );
    child.unref();
    const identity = identify(child.pid);
    if (identity === null) {
      throw new CommandError(`${host.name} ended at once:\n${readConsoleEnd(paths, host.name)}`);
    }
    writeFileSync(recordPath(paths, host.name), JSON.stringify(identity));
  } finally {
    closeSync(log);
  }
}

/** Whether a host's power is on; it may have crashed all the same. */
export function isOn(paths: LabPaths, host: string): boolean {
  const identity = readRecord(paths, host);
  return identity !== null && isRunning(identity);
}

/**
 * Takes a host's power away: all its processes at once, in the middle of whatever they do. Its disk
 * is left as it was at that moment.
 */
export async function cutPower(paths: LabPaths, host: string): Promise<void> {
  const identity = readRecord(paths, host);
  if (identity !== null) {
    await killAll(() => listSession(identity));
  }
  rmSync(recordPath(paths, host), { force: true });
  await forgetConnection(paths, host);
}

/** The last lines of a host's console, indented. */
export function readConsoleEnd(paths: LabPaths, host: string): string {
  const path = consolePath(paths, host);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  // Terminals' control sequences, which systemd begins with.
  // oxlint-disable-next-line no-control-regex
  const plain = text.replaceAll(/\u001b\[[0-9;?!]*[a-zA-Z]|[^\P{Cc}\n]/gu, "");
  const lines = plain.split("\n").filter((line) => line.trim() !== "");
  return lines
    .slice(-LOG_TAIL_LINES)
    .map((line) => `  ${line}`)
    .join("\n");
}

function recordPath(paths: LabPaths, host: string): string {
  return join(paths.stateDir, `${host}.json`);
}

/** Null without a record, and for one that a killed command left unfinished. */
function readRecord(paths: LabPaths, host: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(recordPath(paths, host), "utf8")) as ProcessIdentity;
  } catch {
    return null;
  }
}
