import { availableParallelism } from "node:os";

import { isSystemError } from "../src/process/errors.ts";
import type { LoadReport } from "./oha.ts";
import { cpuMicrosOf, familyOf, machineCpuMicros } from "./process-costs.ts";
import type { Reading } from "./result.ts";

/** Server processes by name; the children of each count with it. */
export type Servers = Readonly<Record<string, readonly number[]>>;

/** Puts a load on servers and tells rate and processor time a request. */
export async function readLoad(
  servers: Servers,
  load: () => Promise<Pick<LoadReport, "requests" | "seconds">>,
): Promise<Reading> {
  const before = usage(servers);
  const { requests, seconds } = await load();
  const after = usage(servers);
  const cpuMicros: Record<string, number> = {};
  for (const [name, micros] of after.servers) {
    cpuMicros[name] = (micros - (before.servers.get(name) ?? 0)) / requests;
  }
  const others = after.machine - before.machine - (after.own - before.own);
  const available = availableParallelism() * (after.atMicros - before.atMicros);
  return {
    requests,
    seconds,
    perSecond: requests / seconds,
    cpuMicros,
    // The clocks of the parts are read one after another, so a quiet machine may come out below 0.
    othersShare: Math.max(0, others / available),
  };
}

interface Usage {
  readonly servers: ReadonlyMap<string, number>;
  /** The servers', the load generator's and this process's. */
  readonly own: number;
  readonly machine: number;
  readonly atMicros: number;
}

function usage(servers: Servers): Usage {
  const used = new Map<string, number>();
  let own = cpuMicrosOf(process.pid);
  for (const [name, pids] of Object.entries(servers)) {
    const micros = pids.reduce((sum, pid) => sum + familyMicros(pid), 0);
    used.set(name, micros);
    own += micros;
  }
  const machine = machineCpuMicros();
  return { servers: used, own, machine, atMicros: performance.now() * 1_000 };
}

/** A child that has just ended, as PostgreSQL's do now and then, counts with its parent from then on. */
function familyMicros(pid: number): number {
  const [, ...children] = familyOf(pid);
  let micros = cpuMicrosOf(pid);
  for (const child of children) {
    try {
      micros += cpuMicrosOf(child);
    } catch (error) {
      if (!isSystemError(error, "ENOENT") && !isSystemError(error, "ESRCH")) {
        throw error;
      }
    }
  }
  return micros;
}
