/**
 * Ends when whoever started the tool closes its standard input. A signal would not reach it through
 * the commands that lead into another network or onto another machine.
 */
export function stopOfInput(): AbortSignal {
  const stop = new AbortController();
  void (async () => {
    for await (const _ of Bun.stdin.stream()) {
      // Nothing is said there; only the end counts.
    }
    stop.abort();
  })();
  return stop.signal;
}

/** The time of day in milliseconds, with fractions: what tests compare with the times of faults. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

/** A whole number among the options of a tool. Throws `Error`. */
export function readCount(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`--${name} is a whole number from 1 to ${most}, not '${text}'`);
  }
  return value;
}
