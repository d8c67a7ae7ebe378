import { join } from "node:path";

import { stackDefaults } from "../../dev/stack/options.ts";
import { type Stack, startStack, stopStack } from "../../dev/stack/stack.ts";
import type { Workshop } from "../workshop.ts";

export interface BenchStack {
  readonly stack: Stack;
  readonly nginxPid: number;
  readonly nodePids: readonly number[];
  readonly redisPid: number;
  readonly stop: () => Promise<void>;
}

/** The embedded stack, as `./sluice up` starts it, but on ports and in a folder of its own. */
export async function startBenchStack(workshop: Workshop): Promise<BenchStack> {
  const stateDir = join(workshop.folder, "stack");
  const starting = startStack({
    ...stackDefaults,
    stateDir,
    nginxPort: workshop.port(),
    statusPort: workshop.port(),
    nodePort: workshop.port(stackDefaults.weights.length),
    workerPort: workshop.port(),
    redisPort: workshop.port(),
    sale: "bench-0",
  });
  const stop = async () => {
    // A stack that is only half up has to come up before it can be stopped; if it failed to, it has
    // cleared itself away, and the reason is thrown below.
    await Promise.allSettled([starting]);
    await stopStack(stateDir);
  };
  // Its processes are detached, as those of `up` are, so the workshop has to be told.
  workshop.onClose(stop);
  const stack = await starting;
  const pids = (role: string) =>
    stack.record.processes.filter((part) => part.role === role).map((part) => part.identity.pid);
  const [nginxPid, redisPid] = [pids("nginx")[0], pids("redis")[0]];
  if (nginxPid === undefined || redisPid === undefined) {
    throw new Error("the stack has no Nginx or no Redis");
  }
  return { stack, nginxPid, redisPid, nodePids: pids("node"), stop };
}
