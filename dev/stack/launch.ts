import { closeSync, existsSync, openSync, readFileSync, renameSync } from "node:fs";

import { CommandError } from "../../src/operator/command.ts";
import { redact } from "../../src/process/redact.ts";
import { readSearchPath } from "../host/environment.ts";
import { identify, isRunning } from "../host/process-table.ts";
import { waitUntil } from "../host/wait.ts";
import { readInheritedEnvironment } from "./config.ts";
import type { ProcessRecord } from "./record.ts";

/** Everything about a process but that it runs. */
export type Plan = Omit<ProcessRecord, "identity" | "startedAtMs">;

const LOG_TAIL_LINES = 15;
const READY_POLL_MS = 20;

/** The path of a program. Throws `CommandError` with what to install. */
export function findProgram(name: string, debianPackage: string): string {
  const path = Bun.which(name, { PATH: readSearchPath() });
  if (path === null) {
    throw new CommandError(
      `${name} is not installed; "apt-get install ${debianPackage}" brings it`,
    );
  }
  return path;
}

/**
 * Starts a process in a session of its own, so that it outlives this command and the terminal.
 * `secrets` are set in its environment, but written down nowhere.
 */
export function launch(plan: Plan, secrets: Readonly<Record<string, string>>): ProcessRecord {
  if (existsSync(plan.logPath)) {
    renameSync(plan.logPath, `${plan.logPath}.old`);
  }
  const log = openSync(plan.logPath, "a", 0o600);
  try {
    const child = Bun.spawn([...plan.command], {
      detached: true,
      stdin: "ignore",
      stdout: log,
      stderr: log,
      env: { ...readInheritedEnvironment(plan.role), ...plan.environment, ...secrets },
    });
    child.unref();
    const identity = identify(child.pid);
    if (identity === null) {
      throw new CommandError(`${plan.name} ended at once:\n${readLogTail(plan.logPath)}`);
    }
    return { ...plan, identity, startedAtMs: Date.now() };
  } finally {
    closeSync(log);
  }
}

/** Waits until `isReady`. Throws `CommandError` with the end of the log if it does not come to it. */
export async function awaitReady(
  started: ProcessRecord,
  deadlineMs: number,
  isReady: () => Promise<boolean>,
): Promise<void> {
  let ready = false;
  await waitUntil(deadlineMs, READY_POLL_MS, async () => {
    ready = await isReady();
    return ready || !isRunning(started.identity);
  });
  if (!ready) {
    const failure = isRunning(started.identity)
      ? `was not ready within ${deadlineMs / 1_000} s`
      : "ended before it was ready";
    throw new CommandError(
      `${started.name} ${failure}. The end of ${started.logPath}:\n${readLogTail(started.logPath)}`,
    );
  }
}

function readLogTail(path: string): string {
  const lines = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  const tail = lines.slice(-LOG_TAIL_LINES).map((line) => `  ${redact(line)}`);
  return tail.join("\n");
}
