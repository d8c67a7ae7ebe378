import { CommandError } from "../../src/operator/command.ts";
import { isSystemError } from "../../src/process/errors.ts";
import { type ReportLine } from "./report-line.ts";
import { waitUntil } from "./wait.ts";

const WAIT_LIMIT_MS = 600_000;
const POLL_MS = 200;

/**
 * Runs `work` while nobody else changes the same thing: an instance, or one host of it. The lock is
 * an abstract socket: the kernel takes it back when this process ends, however it ends.
 */
export async function withLock<T>(
  what: string,
  report: ReportLine,
  work: () => Promise<T>,
): Promise<T> {
  let lock = take(what);
  if (lock === null) {
    report(`Another command is at work on ${what}; waiting for it.`);
    await waitUntil(WAIT_LIMIT_MS, POLL_MS, () => (lock = take(what)) !== null);
  }
  if (lock === null) {
    throw new CommandError(
      `another command has been at work on ${what} for ${WAIT_LIMIT_MS / 1_000} s; see what it does`,
    );
  }
  try {
    return await work();
  } finally {
    lock.stop();
  }
}

function take(what: string): { stop: () => void } | null {
  try {
    return Bun.listen({ unix: `\0sluice-lab/${what}`, socket: { data: () => {} } });
  } catch (error) {
    if (isSystemError(error, "EADDRINUSE")) {
      return null;
    }
    throw error;
  }
}
