/** What a handful of readings tells: the middle, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** First and third quartile, between which half of the readings lie. */
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly count: number;
}

/**
 * The value below which the share `part` (0 to 1) of the readings lies, interpolated between
 * neighbours. Throws if there is nothing to tell of.
 */
export function quantile(readings: readonly number[], part: number): number {
  if (readings.length === 0) {
    throw new Error("no readings, so no quantile");
  }
  if (!(part >= 0 && part <= 1)) {
    throw new Error(`a quantile is from 0 to 1, not ${part}`);
  }
  if (!readings.every(Number.isFinite)) {
    throw new Error(`readings must be finite numbers: ${readings.join(", ")}`);
  }
  const ordered = [...readings].sort((a, b) => a - b);
  const place = part * (ordered.length - 1);
  const lower = ordered.at(Math.floor(place)) ?? Number.NaN;
  const upper = ordered.at(Math.ceil(place)) ?? Number.NaN;
  return lower + (upper - lower) * (place % 1);
}

/** Median and spread. The median, since one reading that a neighbour disturbed must not count. */
export function spreadOf(readings: readonly number[]): Spread {
  return {
    median: quantile(readings, 0.5),
    min: quantile(readings, 0),
    max: quantile(readings, 1),
    lowerQuartile: quantile(readings, 0.25),
    upperQuartile: quantile(readings, 0.75),
    count: readings.length,
  };
}
