import { createHash } from "node:crypto";

import { CommandError } from "../../src/operator/command.ts";
import { isSystemError } from "../../src/process/errors.ts";

/**
 * Runs `work` while no other command starts or stops a stack in the same directory. The lock is an
 * abstract socket: the kernel takes it back when this process ends, however it ends.
 */
export async function withLock<T>(stateDir: string, work: () => Promise<T>): Promise<T> {
  const name = createHash("sha256").update(stateDir).digest("hex").slice(0, 32);
  let lock: { stop: () => void };
  try {
    lock = Bun.listen({ unix: `\0sluice-${name}`, socket: { data: () => {} } });
  } catch (error) {
    if (isSystemError(error, "EADDRINUSE")) {
      throw new CommandError(`another command is starting or stopping the stack in ${stateDir}`);
    }
    throw error;
  }
  try {
    return await work();
  } finally {
    lock.stop();
  }
}
