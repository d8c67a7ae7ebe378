import type { RatioResult, Reading, SideResult } from "./result.ts";
import { spreadOf } from "./statistics.ts";

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
  const ours: Reading[] = [];
  const other: Reading[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const oursFirst = round % 2 === 1;
    const first = await (oursFirst ? comparison.ours : comparison.other).measure(round);
    const second = await (oursFirst ? comparison.other : comparison.ours).measure(round);
    const [own, theirs] = oursFirst ? [first, second] : [second, first];
    ours.push(own);
    other.push(theirs);
    onRound(round, own, theirs);
  }
  const { id, what, atLeast, notes } = comparison;
  return {
    kind: "ratio",
    id,
    what,
    atLeast,
    ratio: spreadOf(ours.map((own, i) => own.perSecond / (other[i] as Reading).perSecond)),
    ours: sideResult(comparison.ours.name, ours),
    other: sideResult(comparison.other.name, other),
    notes,
  };
}

function sideResult(name: string, readings: readonly Reading[]): SideResult {
  const processes = Object.keys(readings[0]?.cpuMicros ?? {});
  const cpu = processes.map((process) => [
    process,
    spreadOf(readings.map((reading) => reading.cpuMicros[process] ?? Number.NaN)),
  ]);
  return {
    name,
    perSecond: spreadOf(readings.map((reading) => reading.perSecond)),
    cpuMicros: Object.fromEntries(cpu) as SideResult["cpuMicros"],
  };
}
