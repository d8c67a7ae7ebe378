import { rmSync } from "node:fs";

import { isRunning, listSession, signalProcess } from "../host/process-table.ts";
import { type ReportLine } from "../host/report-line.ts";
import { waitUntil } from "../host/wait.ts";
import { awaitDrained } from "./drain.ts";
import {
  type ProcessRecord,
  readRecord,
  removeRecord,
  type Role,
  type StackRecord,
} from "./record.ts";
import { redisUrl } from "./redis.ts";

/** How each role is asked to finish, and how long it may take before it is killed. */
const STOPPING: Record<Role, { signal: NodeJS.Signals; patienceMs: number }> = {
  // Graceful: requests under way are answered; the slowest is bounded by proxy.conf.
  nginx: { signal: "SIGQUIT", patienceMs: 10_000 },
  // Drains; its own bounds are SLUICE_DRAIN_MS and SLUICE_DEADLINE_MS.
  node: { signal: "SIGTERM", patienceMs: 15_000 },
  // Stores what it has read; its own bound is SLUICE_STOP_MS.
  worker: { signal: "SIGTERM", patienceMs: 15_000 },
  // Flushes and fsyncs its append-only file.
  redis: { signal: "SIGTERM", patienceMs: 30_000 },
};

/** From the crowd inwards: nobody is cut off from what answers them. */
const STOP_ORDER: readonly Role[] = ["nginx", "node", "worker", "redis"];

const KILL_PATIENCE_MS = 5_000;
const POLL_MS = 20;

/** Stops everything that the record knows, and forgets the stack. The ledger's data stays. */
export async function stopRecorded(record: StackRecord, report: ReportLine): Promise<void> {
  for (const role of STOP_ORDER) {
    const members = record.processes.filter((known) => known.role === role);
    if (role === "worker" && areRunning(record, ["worker", "redis"])) {
      await drain(record, report);
    }
    await Promise.all(members.map((known) => stopProcess(known, report)));
  }
  if (record.cacheDir !== null) {
    rmSync(record.cacheDir, { recursive: true, force: true });
  }
  removeRecord(record.options.stateDir);
}

async function drain(record: StackRecord, report: ReportLine): Promise<void> {
  const behind = await awaitDrained(redisUrl(record.options.redisPort));
  if (behind > 0) {
    report(`${behind} events are not in the orders database yet; the next start goes on with them`);
  }
}

function areRunning({ processes }: StackRecord, roles: readonly Role[]): boolean {
  return roles.every((role) =>
    processes.some((known) => known.role === role && isRunning(known.identity)),
  );
}

/** The stack in this directory, stopped; false if there was none. */
export async function stopLeft(stateDir: string, report: ReportLine): Promise<boolean> {
  const record = readRecord(stateDir);
  if (record === null) {
    return false;
  }
  await stopRecorded(record, report);
  return true;
}

async function stopProcess(known: ProcessRecord, report: ReportLine): Promise<void> {
  const { signal, patienceMs } = STOPPING[known.role];
  const { identity, name } = known;
  const wasRunning = isRunning(identity);
  if (wasRunning) {
    signalProcess(identity.pid, signal);
    await waitUntil(patienceMs, POLL_MS, () => listSession(identity).length === 0);
  }
  const left = listSession(identity);
  if (left.length === 0) {
    report(wasRunning ? `${name} stopped` : `${name} was not running`);
    return;
  }
  report(
    wasRunning
      ? `${name} did not stop within ${patienceMs / 1_000} s and is killed`
      : `${name} was gone, but left processes behind, which are killed: ${left.join(" ")}`,
  );
  for (const pid of left) {
    signalProcess(pid, "SIGKILL");
  }
  const gone = await waitUntil(KILL_PATIENCE_MS, POLL_MS, () => listSession(identity).length === 0);
  if (!gone) {
    report(`${name}: the kernel has not ended pid ${listSession(identity).join(" ")} yet`);
  }
}
