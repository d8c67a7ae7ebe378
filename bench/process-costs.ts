import { readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second for every program there is (USER_HZ). */
const ticksPerSecond = 100;

/** Processor time that a process and its threads have used so far, in microseconds. */
export function cpuMicrosOf(pid: number): number {
  const line = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command's name, in parentheses, may contain anything; the fields follow its end.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return ((user + system) / ticksPerSecond) * 1e6;
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
