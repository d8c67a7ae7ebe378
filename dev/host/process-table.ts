import { readdirSync, readFileSync } from "node:fs";

import { CommandError } from "../../src/operator/command.ts";
import { isSystemError } from "../../src/process/errors.ts";
import { waitUntil } from "./wait.ts";

/**
 * A process that cannot be mistaken for another: a pid is given out again, but not with the same
 * start time in the same boot of the machine.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since the boot, from /proc/PID/stat. */
  readonly startTicks: number;
  readonly bootId: string;
}

/** How long killed processes are given to be gone. */
const END_LIMIT_MS = 10_000;
const POLL_MS = 20;

interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly session: number;
  readonly startTicks: number;
}

let bootId: string | null = null;

/** The identity of a running process, or null if there is none of that pid. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks, bootId: currentBootId() };
}

/** Whether exactly this process is still running. One that ended but was not reaped is not. */
export function isRunning(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  return (
    stat !== null &&
    stat.startTicks === identity.startTicks &&
    identity.bootId === currentBootId() &&
    !hasEnded(stat)
  );
}

/**
 * Every process in the session that `leader` began, itself included, if it still runs: Nginx's
 * workers outlive a master that was killed. The kernel gives out no pid that is still the id of a
 * session, so nobody else's process can be among them.
 */
export function listSession(leader: ProcessIdentity): number[] {
  if (leader.bootId !== currentBootId()) {
    return [];
  }
  const members: number[] = [];
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    if (
      stat !== null &&
      stat.session === leader.pid &&
      stat.startTicks >= leader.startTicks &&
      !hasEnded(stat)
    ) {
      members.push(stat.pid);
    }
  }
  return members;
}

/** Sends a signal; a process that has gone in the meantime is no fault. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isSystemError(error, "ESRCH")) {
      throw error;
    }
  }
}

/** Kills what `list` names until it names nothing more. Throws `CommandError` if that takes too long. */
export async function killAll(list: () => number[] | Promise<number[]>): Promise<void> {
  const gone = await waitUntil(END_LIMIT_MS, POLL_MS, async () => {
    const pids = await list();
    for (const pid of pids) {
      signalProcess(pid, "SIGKILL");
    }
    return pids.length === 0;
  });
  if (!gone) {
    const left = (await list()).join(" ");
    throw new CommandError(`processes do not end even when they are killed: ${left}`);
  }
}

function hasEnded(stat: Stat): boolean {
  return stat.state === "Z" || stat.state === "X";
}

function currentBootId(): string {
  bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return bootId;
}

/** See proc(5). The command's name, in parentheses, may contain anything; fields follow its end. */
function readStat(pid: number): Stat | null {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    // ENOENT or ESRCH: gone between two readings.
    return null;
  }
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0] ?? "X",
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
}
