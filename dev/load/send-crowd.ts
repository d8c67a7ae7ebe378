import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { type Crowd, summarizeCrowd } from "./crowd.ts";
import { readMeasured } from "./oha-results.ts";

/** How a crowd is sent. */
export interface LoadOptions {
  readonly url: string;
  /** JSON that each request carries, or null. */
  readonly body: string | null;
  /** This many requests, or requests for this long. */
  readonly extent: { readonly requests: number } | { readonly durationSeconds: number };
  /** Requests under way at a time, each on a connection of its own. */
  readonly connections: number;
  /** Requests a second for all of them together; null for as many as are answered. */
  readonly ratePerSecond: number | null;
  /** A request without an answer for so long has failed. */
  readonly timeoutSeconds: number;
}

/**
 * Oha keeps about 300 bytes of each request until it ends (measured: 300 MB for a million), and
 * then needs about 4 s a million for the database. Ten million fit into 3 GB.
 */
export const requestsMax = 10_000_000;
/** Without a rate nobody knows how many requests a duration makes: 300 s at 33 thousand/s. */
export const durationSecondsMax = 300;
const loadMsMax = 3_600_000;
/** For starting, and for writing the database of ten million requests. */
const slackMs = 60_000;

/**
 * Sends a crowd with oha and counts what it was told. Never pipelined, each request with a
 * time-out; a given rate is held against the time at which a request should have been sent, so
 * that a stall is not hidden by the requests that were not sent during it. `signal` calls it off.
 * Throws `CommandError` if it could not be sent, or was called off.
 */
export async function sendCrowd(
  options: LoadOptions,
  signal: AbortSignal,
  program: string = findOha(),
): Promise<Crowd> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-load-"));
  // Also where this process is forced to end at once.
  const tidy = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", tidy);
  const database = join(folder, "requests.sqlite");
  const summary = join(folder, "summary.json");
  try {
    const oha = Bun.spawn([program, ...ohaArguments(options, database, summary)], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: longestMs(options),
      killSignal: "SIGKILL",
      signal,
    });
    const said = await new Response(oha.stderr).text();
    const exitCode = await oha.exited;
    if (signal.aborted) {
      throw new CommandError("the crowd was called off");
    }
    if (exitCode !== 0) {
      const fate = oha.signalCode === null ? `exit ${exitCode}` : `ended by ${oha.signalCode}`;
      throw new CommandError(`oha could not send the crowd (${fate}): ${said.trim()}`);
    }
    return summarizeCrowd(await readMeasured(database, summary));
  } finally {
    process.off("exit", tidy);
    tidy();
  }
}

function findOha(): string {
  const program = Bun.which("oha");
  if (program === null) {
    throw new CommandError(
      'oha is not on the PATH; "./sluice load" and "./sluice demo" install it',
    );
  }
  return program;
}

/** The arguments of oha 1.16. */
export function ohaArguments(options: LoadOptions, database: string, summary: string): string[] {
  const { extent, ratePerSecond, body } = options;
  const fixed = ["-m", "POST", "--http-version", "1.1", "--redirect", "0", "--no-tui"];
  const results = ["--output-format", "json", "-o", summary, "--db-url", database];
  const crowd = ["-c", String(options.connections), "-t", `${options.timeoutSeconds}s`];
  if ("requests" in extent) {
    crowd.push("-n", String(extent.requests));
  } else {
    // What is under way at the end is waited for: cut off, nobody would know what it got.
    crowd.push("-z", `${extent.durationSeconds}s`, "-w");
  }
  if (ratePerSecond !== null) {
    crowd.push("-q", String(ratePerSecond), "--latency-correction");
  }
  if (body !== null) {
    crowd.push("-T", "application/json", "-d", body);
  }
  return [...fixed, ...crowd, ...results, options.url];
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
