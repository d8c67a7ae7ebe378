/** How long to wait after so many failures: doubling from one bound to the other, with jitter. */
export function backoffMs(failures: number, leastMs: number, mostMs: number): number {
  const pauseMs = Math.min(mostMs, leastMs * 2 ** Math.min(failures, 16));
  return pauseMs * (0.5 + Math.random() / 2);
}
