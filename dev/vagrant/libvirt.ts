import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { ROOT } from "../host/checkout.ts";
import { readEnvironment } from "../host/environment.ts";
import { identify, isRunning, type ProcessIdentity } from "../host/process-table.ts";
import { tryTool } from "../host/tool.ts";
import { waitUntil } from "../host/wait.ts";
import type { VagrantPaths } from "./config.ts";

const DAEMON = join(ROOT, "lab", "vagrant", "libvirtd");
const READY_LIMIT_MS = 60_000;
const READY_POLL_MS = 200;
const ASK_LIMIT_MS = 10_000;

/** Starts a libvirtd of our own in the control machine's namespace, and waits until it answers. */
export async function startLibvirt(paths: VagrantPaths): Promise<void> {
  const home = join(paths.stateDir, "libvirt");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const logPath = join(paths.stateDir, "libvirtd.log");
  const log = openSync(logPath, "w", 0o644);
  const child = Bun.spawn(["ip", "netns", "exec", paths.namespace, DAEMON, home], {
    detached: true,
    stdin: "ignore",
    stdout: log,
    stderr: log,
    env: readEnvironment(),
  });
  closeSync(log);
  child.unref();
  const identity = identify(child.pid);
  if (identity !== null) {
    writeFileSync(recordPath(paths), JSON.stringify(identity));
  }
  const answers = await waitUntil(
    READY_LIMIT_MS,
    READY_POLL_MS,
    async () => child.exitCode !== null || (await libvirtAnswers(paths)),
  );
  if (!answers || child.exitCode !== null) {
    const end = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-5).join("\n");
    throw new CommandError(`libvirtd does not answer. The end of ${logPath}:\n${end}`);
  }
}

/** Whether the libvirt of these machines can be asked. */
export async function libvirtAnswers(paths: VagrantPaths): Promise<boolean> {
  if (paths.libvirt === "own" && readDaemon(paths) === null) {
    return false;
  }
  const command = besideLibvirt(paths, ["virsh", "--quiet", "--connect", LIBVIRT_URI, "uri"]);
  return (await tryTool(command, "", ASK_LIMIT_MS)).exitCode === 0;
}

export const LIBVIRT_URI = "qemu:///system";

/**
 * A command line that runs another where libvirt's socket is: in the namespaces of the daemon,
 * which has mounts of its own. Throws `CommandError` if our daemon does not run.
 */
export function besideLibvirt(paths: VagrantPaths, command: readonly string[]): string[] {
  if (paths.libvirt === "system") {
    return [...command];
  }
  const daemon = readDaemon(paths);
  if (daemon === null) {
    throw new CommandError("the virtual machines are not up; start them with ./sluice vagrant up");
  }
  // Entering another tree of mounts leaves the working directory behind.
  const enter = ["nsenter", "--target", String(daemon.pid), "--mount", "--net", "--"];
  return [...enter, "env", "-C", ROOT, ...command];
}

function recordPath(paths: VagrantPaths): string {
  return join(paths.stateDir, "libvirtd.json");
}

/** Our daemon, or null if it does not run. */
function readDaemon(paths: VagrantPaths): ProcessIdentity | null {
  try {
    const identity = JSON.parse(readFileSync(recordPath(paths), "utf8")) as ProcessIdentity;
    return isRunning(identity) ? identity : null;
  } catch {
    return null;
  }
}
