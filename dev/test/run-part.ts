import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { readEnvironment } from "../host/environment.ts";
import { signalProcess } from "../host/process-table.ts";
import { tallyReport } from "./junit.ts";
import type { Part, Tally } from "./part.ts";

/** Between asking a part to end and ending it. */
const KILL_GRACE_MS = 10_000;
const TIDY_LIMIT_MS = 120_000;

/** What all parts of a round have in common. */
export interface Round {
  readonly root: string;
  /**
   * Each part has it as TEST_ROUND: what one has made ready, another of the round may use. Nodes that
   * tests start refuse SLUICE_ variables that they do not know.
   */
  readonly name: string;
  /** Raised when the round is called off. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** How a part went. */
export interface PartResult {
  readonly tally: Tally;
  readonly tookMs: number;
}

interface Ended {
  readonly exitCode: number;
  readonly timedOut: boolean;
}

/** Where what a part printed is kept. */
function logPath(root: string, { name }: Part): string {
  return join(root, ".sluice", "test", `${name}.log`);
}

/**
 * Runs one part to its end, or until the round is called off: it is killed with all that it started.
 * Prints a line as it starts; then what it printed, whole, when it has ended, and its result. A
 * check prints only if it failed, and a part that is alone as it goes.
 */
export async function runPart(part: Part, round: Round): Promise<PartResult> {
  const { root, print } = round;
  const isSuite = part.reportPath !== null;
  print(`${part.name}: started`);
  if (part.reportPath !== null) {
    await rm(part.reportPath, { force: true });
    mkdirSync(dirname(part.reportPath), { recursive: true });
  }
  const beganMs = performance.now();
  const ended = await runProgram(part, round);
  const tookMs = performance.now() - beganMs;
  const tally =
    part.reportPath === null
      ? { passed: ended.exitCode === 0 ? 1 : 0, failed: ended.exitCode === 0 ? 0 : 1, skipped: 0 }
      : tallyReport(await readReport(part.reportPath), ended.exitCode);
  const output = part.isAlone === true ? "" : readFileSync(logPath(root, part), "utf8").trimEnd();
  if (output !== "" && (isSuite || tally.failed > 0)) {
    print(isSuite ? `\n${part.name}: ${part.command.join(" ")}\n${output}` : output);
  }
  const result = round.signal.aborted
    ? `${part.name}: interrupted`
    : describe(part, ended, tally, tookMs);
  print(result);
  return { tally, tookMs };
}

/** Runs what takes away the rest of a part. Bounded: it runs when somebody wants to leave. */
export async function tidyPart({ tidyCommand }: Part, root: string): Promise<void> {
  if (tidyCommand !== undefined) {
    const stdio = { stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;
    const limits = { timeout: TIDY_LIMIT_MS, killSignal: "SIGKILL" } as const;
    await Bun.spawn([...tidyCommand], { cwd: root, ...stdio, ...limits }).exited;
  }
}

/** A part that was ended or crashed has written no report. */
async function readReport(path: string): Promise<string | null> {
  const file = Bun.file(path);
  return (await file.exists()) ? await file.text() : null;
}

function describe(part: Part, ended: Ended, tally: Tally, tookMs: number): string {
  const count = tally.passed + tally.failed + tally.skipped;
  const took = `${(tookMs / 1000).toFixed(1)} s`;
  if (ended.timedOut) {
    return `${part.name}: FAILED, ended after its limit of ${part.limitMs / 1000} s`;
  }
  if (tally.failed > 0) {
    return `${part.name}: FAILED, ${tally.failed} of ${count}, exit code ${ended.exitCode}, ${took}`;
  }
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} of ${count} skipped` : "";
  return `${part.name}: ok${skipped}, ${took}`;
}

/** The part gets a process group of its own, so that what it leaves behind can be ended with it. */
async function runProgram(part: Part, { root, name, signal }: Round): Promise<Ended> {
  mkdirSync(dirname(logPath(root, part)), { recursive: true });
  // One file for both streams: they stay in the order in which they were written.
  const log = part.isAlone === true ? null : openSync(logPath(root, part), "w");
  const child = Bun.spawn([...part.command], {
    cwd: root,
    stdin: "ignore",
    stdout: log ?? "inherit",
    stderr: log ?? "inherit",
    env: readEnvironment({ TEST_ROUND: name }),
    detached: true,
  });
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    void endGroup(child.pid);
  }, part.limitMs);
  const kill = (): void => signalProcess(-child.pid, "SIGKILL");
  signal.addEventListener("abort", kill);
  if (signal.aborted) {
    kill();
  }
  try {
    const exitCode = await child.exited;
    kill();
    return { exitCode: timedOut ? 124 : exitCode, timedOut };
  } finally {
    clearTimeout(limit);
    signal.removeEventListener("abort", kill);
    if (log !== null) {
      closeSync(log);
    }
  }
}

async function endGroup(pid: number): Promise<void> {
  signalProcess(-pid, "SIGTERM");
  await Bun.sleep(KILL_GRACE_MS);
  signalProcess(-pid, "SIGKILL");
}
