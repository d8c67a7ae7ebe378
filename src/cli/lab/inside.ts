import { type AttachedOptions, runAttached } from "./attached.ts";
import { type Caller, type Places, readCaller } from "./config.ts";
import { sshConfigPath } from "./ssh.ts";
import { type ToolResult, tryTool } from "./tool.ts";

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
