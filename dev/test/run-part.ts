import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { tallyReport } from "./junit.ts";
import type { Part, Tally } from "./part.ts";

/** Between asking a part to end and ending it. */
const KILL_GRACE_MS = 10_000;
const TIDY_LIMIT_MS = 120_000;

interface Ended {
  readonly exitCode: number;
  readonly timedOut: boolean;
  /** What a check printed; a suite prints straight to the terminal. */
  readonly output: string;
}

/** Runs one part to its end and says its result. */
export async function runPart(
  part: Part,
  root: string,
  say: (line: string) => void = console.log,
): Promise<Tally> {
  const isSuite = part.reportPath !== null;
  if (isSuite) {
    say(`\n${part.name}: ${part.command.join(" ")}`);
  }
  if (part.reportPath !== null) {
    await rm(part.reportPath, { force: true });
    await mkdir(dirname(part.reportPath), { recursive: true });
  }
  const beganMs = performance.now();
  const ended = await runProgram(part, root);
  const tally =
    part.reportPath === null
      ? { passed: ended.exitCode === 0 ? 1 : 0, failed: ended.exitCode === 0 ? 0 : 1, skipped: 0 }
      : tallyReport(await readReport(part.reportPath), ended.exitCode);
  if (tally.failed > 0 && !isSuite) {
    say(ended.output.trimEnd());
  }
  say(describe(part, ended, tally, performance.now() - beganMs));
  return tally;
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
async function runProgram(part: Part, root: string): Promise<Ended> {
  const stream = part.reportPath === null ? "pipe" : "inherit";
  const child = Bun.spawn([...part.command], {
    cwd: root,
    stdin: "ignore",
    stdout: stream,
    stderr: stream,
    detached: true,
  });
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    void endGroup(child.pid);
  }, part.limitMs);
  const onSignal = () => {
    signalGroup(child.pid, "SIGKILL");
    tidy(part, root);
    process.exit(130);
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)]);
  const exitCode = await child.exited;
  clearTimeout(limit);
  process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  signalGroup(child.pid, "SIGKILL");
  tidy(part, root);
  return { exitCode: timedOut ? 124 : exitCode, timedOut, output: `${stdout}${stderr}` };
}

/** Bounded: it runs when somebody wants to leave. */
function tidy({ tidyCommand }: Part, root: string): void {
  if (tidyCommand !== undefined) {
    const stdio = { stdin: "ignore", stdout: "inherit", stderr: "inherit" } as const;
    Bun.spawnSync([...tidyCommand], { cwd: root, ...stdio, timeout: TIDY_LIMIT_MS });
  }
}

async function readAll(stream: ReadableStream<Uint8Array> | undefined): Promise<string> {
  return stream === undefined ? "" : await new Response(stream).text();
}

async function endGroup(pid: number): Promise<void> {
  signalGroup(pid, "SIGTERM");
  await Bun.sleep(KILL_GRACE_MS);
  signalGroup(pid, "SIGKILL");
}

/** The group may be gone already; any other refusal is worth an error. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) {
      throw error;
    }
  }
}
