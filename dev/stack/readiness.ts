import { answersOk } from "./http-probe.ts";
import { isNginxReady } from "./nginx.ts";
import type { ProcessRecord, Role } from "./record.ts";
import { isRedisReady } from "./redis.ts";

type Probe = (part: ProcessRecord, stateDir: string) => Promise<boolean>;

const PROBES: Readonly<Record<Role, Probe>> = {
  redis: isRedisReady,
  worker: (part) => answersOk(`http://127.0.0.1:${part.port}/readyz`),
  node: (part) => answersOk(`http://127.0.0.1:${part.port}/readyz`),
  nginx: isNginxReady,
};

/** Whether a part does its work, and not only runs. */
export function isReady(part: ProcessRecord, stateDir: string): Promise<boolean> {
  return PROBES[part.role](part, stateDir);
}
