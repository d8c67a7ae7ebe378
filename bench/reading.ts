import type { LoadReport } from "./oha.ts";
import { cpuMicrosOf, familyOf } from "./process-costs.ts";
import type { Reading } from "./result.ts";

/** Server processes by name; the children of each count with it. */
export type Servers = Readonly<Record<string, number>>;

/** Puts a load on servers and tells rate and processor time a request. */
export async function readLoad(
  servers: Servers,
  load: () => Promise<LoadReport>,
): Promise<Reading> {
  const before = usage(servers);
  const { requests, seconds } = await load();
  const after = usage(servers);
  const cpuMicros = Object.fromEntries(
    Object.keys(servers).map((name) => [
      name,
      ((after[name] as number) - (before[name] as number)) / requests,
    ]),
  );
  return { requests, seconds, perSecond: requests / seconds, cpuMicros };
}

function usage(servers: Servers): Record<string, number> {
  const used = Object.entries(servers).map(([name, pid]) => [
    name,
    familyOf(pid).reduce((sum, member) => sum + cpuMicrosOf(member), 0),
  ]);
  return Object.fromEntries(used) as Record<string, number>;
}
