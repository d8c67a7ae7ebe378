import { CommandError } from "../../src/operator/command.ts";
import { isRunning, listSession, signalProcess } from "../host/process-table.ts";
import { type ReportLine } from "../host/report-line.ts";
import { waitUntil } from "../host/wait.ts";
import { withLock } from "./lock.ts";
import { type StackOptions } from "./options.ts";
import { type ProcessRecord, readRecord, type StackRecord } from "./record.ts";
import { redisUrl } from "./redis.ts";
import { startAgain, startParts } from "./start.ts";
import { stopLeft } from "./stop.ts";
import { databaseUrl } from "./worker.ts";

/** A running stack, as its callers need it. */
export interface Stack {
  readonly record: StackRecord;
  /** Where the crowd buys. */
  readonly url: string;
  /** `/nginx-status` and `/bare-410` of the same Nginx. */
  readonly statusUrl: string;
  readonly redisUrl: string;
  /** The orders database, with its password if it has one. */
  readonly databaseUrl: string;
  readonly nodes: readonly { name: string; url: string; weight: number }[];
}

const END_PATIENCE_MS = 5_000;
const silent: ReportLine = () => {};

/**
 * Starts Redis, the order worker, the nodes and Nginx, detached from this process, and waits until all are ready.
 * Throws `CommandError` if it cannot, and then leaves nothing running.
 */
export function startStack(options: StackOptions, report: ReportLine = silent): Promise<Stack> {
  return withLock(options.stateDir, async () => describeStack(await startParts(options, report)));
}

/** Stops the stack of this directory, in order; false if there was none. */
export function stopStack(stateDir: string, report: ReportLine = silent): Promise<boolean> {
  return withLock(stateDir, () => stopLeft(stateDir, report));
}

/** The stack of this directory, running or half-dead, or null. */
export function readStack(stateDir: string): Stack | null {
  const record = readRecord(stateDir);
  return record === null ? null : describeStack(record);
}

/** Ends one process without warning, as a fault would; waits until it is gone. */
export async function killPart(stateDir: string, name: string): Promise<void> {
  const { identity } = findPart(stateDir, name).part;
  if (isRunning(identity)) {
    for (const pid of listSession(identity)) {
      signalProcess(pid, "SIGKILL");
    }
  }
  await awaitEnd(name, identity, END_PATIENCE_MS);
}

/** Starts a process that has ended once more, on the same port and with the same data. */
export function restartPart(stateDir: string, name: string): Promise<void> {
  return withLock(stateDir, async () => {
    const { record, part } = findPart(stateDir, name);
    if (isRunning(part.identity)) {
      throw new CommandError(`${name} is running; end it first`);
    }
    await startAgain(record, part);
  });
}

async function awaitEnd(name: string, identity: ProcessRecord["identity"], patienceMs: number) {
  if (!(await waitUntil(patienceMs, 10, () => listSession(identity).length === 0))) {
    throw new CommandError(`${name} (pid ${identity.pid}) has not ended within ${patienceMs} ms`);
  }
}

function findPart(stateDir: string, name: string): { record: StackRecord; part: ProcessRecord } {
  const record = readRecord(stateDir);
  if (record === null) {
    throw new CommandError(`no stack is up in ${stateDir}`);
  }
  const part = record.processes.find((known) => known.name === name);
  if (part === undefined) {
    const names = record.processes.map((known) => known.name).join(", ");
    throw new CommandError(`the stack has no part called ${name}; it has ${names}`);
  }
  return { record, part };
}

function describeStack(record: StackRecord): Stack {
  const { nginxPort, statusPort, redisPort, nodePort, weights } = record.options;
  return {
    record,
    url: `http://127.0.0.1:${nginxPort}`,
    statusUrl: `http://127.0.0.1:${statusPort}`,
    redisUrl: redisUrl(redisPort),
    databaseUrl: databaseUrl(record.options),
    nodes: weights.map((weight, index) => ({
      name: `node${index + 1}`,
      url: `http://127.0.0.1:${nodePort + index}`,
      weight,
    })),
  };
}
