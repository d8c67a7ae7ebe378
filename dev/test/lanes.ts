/** What mostly waits takes less than a core: two suites fit on two cores without starving. */
export const LANES_MAX = 2;

interface Queued {
  readonly isAlone?: boolean;
}

/**
 * Starts parts in their order, at most `lanesMax` side by side, and one that is to be alone when all
 * before it have ended; what follows waits for it. Once `signal` is raised none is started any more,
 * and those that run are waited for: ending them is up to `run`, which must not reject.
 */
export async function runInLanes<T extends Queued>(
  parts: readonly T[],
  run: (part: T) => Promise<void>,
  signal: AbortSignal,
  lanesMax = LANES_MAX,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let isAloneRunning = false;
  for (const part of parts) {
    const isAlone = part.isAlone === true;
    while (running.size >= (isAlone || isAloneRunning ? 1 : lanesMax)) {
      await Promise.race(running);
    }
    if (signal.aborted) {
      break;
    }
    isAloneRunning = isAlone;
    const work = run(part).finally(() => running.delete(work));
    running.add(work);
  }
  await Promise.all(running);
}
