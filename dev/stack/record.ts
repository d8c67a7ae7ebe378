import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { isSystemError } from "../../src/process/errors.ts";
import { isRunning, type ProcessIdentity } from "../host/process-table.ts";
import { type StackOptions } from "./options.ts";

export type Role = "redis" | "worker" | "node" | "nginx";

/** One process of the stack and how to start it again. */
export interface ProcessRecord {
  readonly role: Role;
  /** `redis`, `worker`, `node1`, `node2`, ..., `nginx`. */
  readonly name: string;
  readonly port: number;
  readonly weight: number | null;
  readonly command: readonly string[];
  /** What is set beyond the inherited environment. The secret is not in here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logPath: string;
  readonly identity: ProcessIdentity;
  readonly startedAtMs: number;
}

/** What is known of a stack outside of its processes; `STATE/stack.json`. */
export interface StackRecord {
  readonly version: 1;
  readonly options: StackOptions;
  readonly startedAtMs: number;
  /** Directory on tmpfs that holds Nginx's cache, or null if it is on disk. */
  readonly cacheDir: string | null;
  readonly processes: readonly ProcessRecord[];
}

export function recordPath(stateDir: string): string {
  return join(stateDir, "stack.json");
}

/** The record, or null if no stack was left in this directory. */
export function readRecord(stateDir: string): StackRecord | null {
  let content: string;
  try {
    content = readFileSync(recordPath(stateDir), "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) {
      return null;
    }
    throw error;
  }
  const record: unknown = JSON.parse(content);
  if (!isStackRecord(record)) {
    throw new CommandError(
      `${recordPath(stateDir)} was written by another version of Sluice; stop that stack with ` +
        "the version that started it, or delete the file if nothing of it is running",
    );
  }
  return record;
}

/** Nobody else writes the file, and never half of it: the version decides the rest. */
function isStackRecord(value: unknown): value is StackRecord {
  return typeof value === "object" && value !== null && "version" in value && value.version === 1;
}

/** Written beside and renamed: who is killed in the middle leaves the old one or the new one. */
export function writeRecord(record: StackRecord): void {
  const path = recordPath(record.options.stateDir);
  mkdirSync(record.options.stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeRecord(stateDir: string): void {
  rmSync(recordPath(stateDir), { force: true });
}

/** The record with one process put in, or replaced by name. */
export function withProcess(record: StackRecord, started: ProcessRecord): StackRecord {
  const others = record.processes.filter((known) => known.name !== started.name);
  return { ...record, processes: [...others, started] };
}

export function listRunning(record: StackRecord): ProcessRecord[] {
  return record.processes.filter((known) => isRunning(known.identity));
}
