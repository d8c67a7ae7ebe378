import type { LoadReport } from "./oha.ts";
import { cpuMicrosOf, familyOf } from "./process-costs.ts";
import type { Reading } from "./result.ts";

/** Server processes by name; the children of each count with it. */
export type Servers = Readonly<Record<string, readonly number[]>>;

/** Puts a load on servers and tells rate and processor time a request. */
export async function readLoad(
  servers: Servers,
  load: () => Promise<LoadReport>,
): Promise<Reading> {
  const before = usage(servers);
  const { requests, seconds } = await load();
  const after = usage(servers);
  const cpuMicros: Record<string, number> = {};
  for (const [name, micros] of after) {
    cpuMicros[name] = (micros - (before.get(name) ?? 0)) / requests;
  }
  return { requests, seconds, perSecond: requests / seconds, cpuMicros };
}

function usage(servers: Servers): Map<string, number> {
  const used = new Map<string, number>();
  for (const [name, pids] of Object.entries(servers)) {
    const members = pids.flatMap(familyOf);
    used.set(
      name,
      members.reduce((sum, member) => sum + cpuMicrosOf(member), 0),
    );
  }
  return used;
}
