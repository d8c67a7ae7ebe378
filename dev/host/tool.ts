import { CommandError } from "../../src/operator/command.ts";
import { redact } from "../../src/process/redact.ts";
import { readEnvironment } from "./environment.ts";

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TOOL_LIMIT_MS = 60_000;

/** Runs a program to its end, and returns how it went; at most `limitMs`. */
export async function tryTool(
  command: readonly string[],
  input = "",
  limitMs = TOOL_LIMIT_MS,
): Promise<ToolResult> {
  const child = Bun.spawn([...command], {
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
    env: readEnvironment(),
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  const [exitCode, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode, stdout, stderr };
}

/** Runs a program that has to succeed. Throws `CommandError` with what it printed. */
export async function runTool(command: readonly string[], input = ""): Promise<string> {
  const { exitCode, stdout, stderr } = await tryTool(command, input);
  if (exitCode !== 0) {
    const reason = redact(stderr.trim());
    throw new CommandError(`'${redact(command.join(" "))}' failed (${exitCode}): ${reason}`);
  }
  return stdout;
}
