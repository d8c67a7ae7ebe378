/** A stretch of time in which nothing succeeded. */
export interface Gap {
  readonly gapMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The longest stretch between two successes. The end of the observation ends one too, so that what
 * never came back is not overlooked. `successesMs` is in order.
 */
export function longestGap(beganMs: number, successesMs: readonly number[], endedMs: number): Gap {
  let longest: Gap = { gapMs: 0, fromMs: beganMs, toMs: beganMs };
  let fromMs = beganMs;
  for (const toMs of [...successesMs, endedMs]) {
    if (toMs - fromMs > longest.gapMs) {
      longest = { gapMs: toMs - fromMs, fromMs, toMs };
    }
    fromMs = toMs;
  }
  return longest;
}

/** The middle one of the distances between successes: how finely gaps can be told. */
export function medianStep(successesMs: readonly number[]): number {
  const steps = successesMs.slice(1).map((ms, index) => ms - (successesMs[index] ?? ms));
  steps.sort((left, right) => left - right);
  return steps[Math.floor(steps.length / 2)] ?? 0;
}
