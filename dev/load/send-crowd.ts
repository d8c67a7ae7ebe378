import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { type Crowd, summarizeCrowd } from "./crowd.ts";
import type { Generator, GeneratorName, LoadOptions } from "./generator.ts";
import { h2load } from "./h2load.ts";
import { oha } from "./oha.ts";

const generators: Readonly<Record<GeneratorName, Generator>> = { oha, h2load };

const loadMsMax = 3_600_000;
/** For starting, and for oha to write the database of ten million requests. */
const slackMs = 60_000;

/**
 * Sends a crowd and counts what it was told. HTTP/1.1, never pipelined, each request with a
 * time-out. `signal` calls it off. Throws `CommandError` if it could not be sent, or was called off.
 */
export async function sendCrowd(
  options: LoadOptions,
  signal: AbortSignal,
  program?: string,
): Promise<Crowd> {
  const generator = generators[options.generator];
  const path = program ?? findProgram(generator);
  const folder = mkdtempSync(join(tmpdir(), "sluice-load-"));
  // Also where this process is forced to end at once.
  const tidy = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", tidy);
  const files = {
    body: join(folder, "body.json"),
    rows: join(folder, "rows"),
    summary: join(folder, "summary.json"),
  };
  try {
    if (options.body !== null) {
      writeFileSync(files.body, options.body);
    }
    const printed = await run(
      [path, ...generator.listArguments(options, files)],
      generator.name,
      longestMs(options),
      signal,
    );
    return summarizeCrowd(await generator.readResults(options, files, printed), generator.name);
  } finally {
    process.off("exit", tidy);
    tidy();
  }
}

/** What the generator printed. Throws `CommandError` if it failed, or the crowd was called off. */
async function run(
  command: string[],
  name: GeneratorName,
  timeout: number,
  signal: AbortSignal,
): Promise<string> {
  const child = Bun.spawn(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout,
    killSignal: "SIGKILL",
    signal,
  });
  const [printed, complaint, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (signal.aborted) {
    throw new CommandError("the crowd was called off");
  }
  if (exitCode !== 0) {
    const end = child.signalCode === null ? `exit ${exitCode}` : `ended by ${child.signalCode}`;
    throw new CommandError(`${name} could not send the crowd (${end}): ${complaint.trim()}`);
  }
  return printed;
}

function findProgram({ name, remedy }: Generator): string {
  const program = Bun.which(name);
  if (program === null) {
    throw new CommandError(`${name} is not on the PATH; ${remedy}`);
  }
  return program;
}

/** Beyond this something hangs: every request timed out, one after another on each connection. */
function longestMs({ extent, connections, ratePerSecond, timeoutSeconds }: LoadOptions): number {
  if ("durationSeconds" in extent) {
    return (extent.durationSeconds + timeoutSeconds) * 1_000 + slackMs;
  }
  const rounds = Math.ceil(extent.requests / connections) * timeoutSeconds;
  const paced = ratePerSecond === null ? 0 : extent.requests / ratePerSecond;
  return Math.min(loadMsMax, Math.max(rounds, paced) * 1_000) + slackMs;
}
