import { existsSync } from "node:fs";

import { type AttachedOptions, runAttached } from "./attached.ts";
import { type Caller, readCaller } from "./environment.ts";
import { runTool, tryTool } from "./tool.ts";

/** Whether there is a network namespace of this name; it may not work all the same. */
export function namespaceExists(name: string): boolean {
  return existsSync(`/run/netns/${name}`);
}

/** Makes network namespaces. What there was of them must be gone. */
export async function addNamespaces(names: readonly string[]): Promise<void> {
  for (const name of names) {
    await runTool(["ip", "netns", "add", name]);
  }
}

/** Removes network namespaces, and all links in them. No process may be left there. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (namespaceExists(name)) {
      await runTool(["ip", "netns", "delete", name]);
    }
  }
}

/** Pids of all processes that are in a namespace, whoever started them. */
export async function listProcesses(namespace: string): Promise<number[]> {
  if (!namespaceExists(namespace)) {
    return [];
  }
  // A file that no namespace is mounted on, left by a broken `ip netns add`, has no processes.
  const { exitCode, stdout } = await tryTool(["ip", "netns", "pids", namespace]);
  return exitCode === 0 ? stdout.split("\n").filter(Boolean).map(Number) : [];
}

/** Whether anything runs there. */
export function hasProcesses(namespace: string): boolean {
  if (!namespaceExists(namespace)) {
    return false;
  }
  const { exitCode, stdout } = Bun.spawnSync(["ip", "netns", "pids", namespace]);
  return exitCode === 0 && stdout.toString().trim() !== "";
}

/** Runs a command in a namespace, as root. Throws `CommandError` if it fails. */
export async function inNamespace(namespace: string, command: readonly string[]): Promise<void> {
  await runTool(["ip", "netns", "exec", namespace, ...command]);
}

/** Has `ip -batch` do these lines in a namespace. Throws `CommandError` if one fails. */
export async function ipBatch(namespace: string, lines: readonly string[]): Promise<void> {
  await runTool(["ip", "-n", namespace, "-batch", "-"], `${lines.join("\n")}\n`);
}

/**
 * Has a namespace pass on packets. A router of hosts that are on one wire with each other would
 * tell them so all the time, by redirects.
 */
export async function makeRouter(namespace: string): Promise<void> {
  await inNamespace(namespace, [
    "sysctl",
    "-qw",
    "net.ipv4.ip_forward=1",
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
  ]);
}

/** A command line that runs another in a namespace, as whoever called. */
export function insideCommand(
  namespace: string,
  command: readonly string[],
  caller: Caller | null = readCaller(),
): string[] {
  return ["ip", "netns", "exec", namespace, ...asCaller(command, caller)];
}

/** A command line that runs another as whoever called. */
export function asCaller(
  command: readonly string[],
  caller: Caller | null = readCaller(),
): string[] {
  const rights =
    caller === null
      ? []
      : ["setpriv", `--reuid=${caller.uid}`, `--regid=${caller.gid}`, "--init-groups", "--"];
  return [...rights, ...command];
}

/** Runs a command there on this terminal, and returns its exit code. */
export async function runInside(
  namespace: string,
  command: readonly string[],
  options: AttachedOptions = {},
): Promise<number> {
  return runAttached(insideCommand(namespace, command), options);
}
