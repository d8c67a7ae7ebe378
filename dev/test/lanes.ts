/** The processors that a round is planned for; more of them only make it faster. */
export const PROCESSORS = 2;
/** What most suites take of one: they wait for processes that start, for deadlines and for each other. */
const WAITING_SHARE = 0.5;

interface Queued {
  readonly isAlone?: boolean;
  readonly mostlyWaits?: boolean;
}

/** How many processors a part keeps busy. */
export function shareOf({ isAlone, mostlyWaits }: Queued): number {
  if (isAlone === true) {
    return PROCESSORS;
  }
  return mostlyWaits === true ? WAITING_SHARE : 1;
}

/**
 * Starts parts in their order, as many side by side as keep the processors busy and starve none: one
 * that mostly waits takes half of one. What is to be alone is started when all before it have ended, and
 * what follows waits for it. Once `signal` is raised none is started any more, and those that run are
 * waited for: ending them is up to `run`, which must not reject.
 */
export async function runInLanes<T extends Queued>(
  parts: readonly T[],
  run: (part: T) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let busy = 0;
  const fits = (share: number): boolean => busy + share <= PROCESSORS;
  for (const part of parts) {
    const share = shareOf(part);
    while (!fits(share)) {
      await Promise.race(running);
    }
    if (signal.aborted) {
      break;
    }
    busy += share;
    const work = run(part).finally(() => {
      running.delete(work);
      busy -= share;
    });
    running.add(work);
  }
  await Promise.all(running);
}
