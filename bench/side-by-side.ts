import type { RatioResult, Reading, SideResult } from "./result.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** One of two things that are held against each other. */
export interface Side {
  readonly name: string;
  /** Puts one load on it and tells what that cost. */
  readonly measure: (round: number) => Promise<Reading>;
}

export interface Comparison {
  readonly id: string;
  readonly what: string;
  readonly atLeast: number | null;
  readonly ours: Side;
  readonly other: Side;
  readonly notes: readonly string[];
}

interface Pair {
  readonly ours: Reading;
  readonly other: Reading;
}

/**
 * Measures both sides by turns and divides round by round.
 *
 * Why by turns: what a shared machine can do changes from one minute to the next, by more than the
 * differences looked for. Two loads within the same few seconds meet about the same machine, so
 * their quotient tells of the two sides alone; five minutes of one and then five of the other
 * would compare two moments. The order is swapped each round, since the second of a pair meets
 * what the first leaves behind (warm caches, a hot processor, a file still being written back).
 */
export async function compare(
  comparison: Comparison,
  rounds: number,
  onRound: (round: number, ours: Reading, other: Reading) => void,
): Promise<RatioResult> {
  const pairs: Pair[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const pair = await measurePair(comparison, round);
    pairs.push(pair);
    onRound(round, pair.ours, pair.other);
  }
  const { id, what, atLeast, notes } = comparison;
  return {
    kind: "ratio",
    id,
    what,
    atLeast,
    ratio: spreadOf(pairs.map(({ ours, other }) => ours.perSecond / other.perSecond)),
    cpuRatio: spreadOf(pairs.map(({ ours, other }) => cpuOf(other) / cpuOf(ours))),
    othersShare: spreadOf(
      pairs.flatMap(({ ours, other }) => [ours.othersShare, other.othersShare]),
    ),
    ours: sideResult(
      comparison.ours.name,
      pairs.map((pair) => pair.ours),
    ),
    other: sideResult(
      comparison.other.name,
      pairs.map((pair) => pair.other),
    ),
    notes,
  };
}

async function measurePair({ ours, other }: Comparison, round: number): Promise<Pair> {
  if (round % 2 === 1) {
    const own = await ours.measure(round);
    return { ours: own, other: await other.measure(round) };
  }
  const theirs = await other.measure(round);
  return { ours: await ours.measure(round), other: theirs };
}

function cpuOf(reading: Reading): number {
  return Object.values(reading.cpuMicros).reduce((sum, micros) => sum + micros, 0);
}

function sideResult(name: string, readings: readonly Reading[]): SideResult {
  const cpuMicros: Record<string, Spread> = {};
  for (const process of Object.keys(readings[0]?.cpuMicros ?? {})) {
    cpuMicros[process] = spreadOf(readings.map((reading) => reading.cpuMicros[process] ?? 0));
  }
  return { name, perSecond: spreadOf(readings.map((reading) => reading.perSecond)), cpuMicros };
}
