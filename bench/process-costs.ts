import { readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second for every program there is (USER_HZ). */
const ticksPerSecond = 100;

/** A field of /proc/PID/stat as proc(5) numbers them, from the third on, in microseconds. */
function statMicros(pid: number, fields: readonly number[]): number {
  const line = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command's name, in parentheses, may contain anything; the third field follows its end.
  const values = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.reduce((sum, field) => sum + Number(values[field - 3]), 0);
  return (ticks / ticksPerSecond) * 1e6;
}

/**
 * Processor time that a process, all its threads and those of its children that have ended (a
 * backend of PostgreSQL, a load generator) have used so far, in microseconds. The kernel's network
 * code is in it only as far as it ran in the process's own system calls.
 */
export function cpuMicrosOf(pid: number): number {
  return statMicros(pid, [14, 15, 16, 17]);
}

/**
 * Processor time that programs used on this machine, whosever they are, and its host (steal).
 * Without interrupts: a fifth of a load on loopback is the kernel's network code in soft
 * interrupts, which Linux counts for no process, so ours could not be told from that of others.
 */
export function machineCpuMicros(): number {
  const line = /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = line.split(" ").map(Number);
  const ticks = user + nice + system + steal;
  return (ticks / ticksPerSecond) * 1e6;
}

/** A process and those that it started (Nginx's workers), as they are now. */
export function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return [pid, ...children.split(" ").filter(Boolean).map(Number)];
}

/** Resident memory now and at its highest, in bytes. */
export function residentBytesOf(pid: number): { now: number; highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1_024;
  return { now: bytes("VmRSS"), highest: bytes("VmHWM") };
}
