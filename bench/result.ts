import type { Spread } from "./statistics.ts";

/** What one load of requests cost the servers that answered it. */
export interface Reading {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Processor time a request, in microseconds, by server process (user and system). */
  readonly cpuMicros: Readonly<Record<string, number>>;
  /** Processor time that others on this machine took meanwhile, as a share of all cores, 0 to 1. */
  readonly othersShare: number;
}

/** One side of a comparison, all rounds. */
export interface SideResult {
  readonly name: string;
  readonly perSecond: Spread;
  readonly cpuMicros: Readonly<Record<string, Spread>>;
}

/** Ours against its counterpart: throughput of ours divided by that of the other. */
export interface RatioResult {
  readonly kind: "ratio";
  readonly id: string;
  readonly what: string;
  /** The ratio to reach; null where the figure is for orientation. */
  readonly atLeast: number | null;
  readonly ratio: Spread;
  /**
   * Processor time of the other side's servers, a request, divided by that of ours. Less disturbed
   * by neighbours than the rate; it does not see what runs beside each other on two cores.
   */
  readonly cpuRatio: Spread;
  /** Of all cores, taken by programs that have nothing to do with this; 0 to 1. */
  readonly othersShare: Spread;
  readonly ours: SideResult;
  readonly other: SideResult;
  readonly notes: readonly string[];
}

/** A figure that has no counterpart. */
export interface FigureResult {
  readonly kind: "figure";
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  readonly atMost: number | null;
  /** The figure to reach, where more is better. */
  readonly atLeast?: number;
  readonly figure: Spread;
  readonly notes: readonly string[];
}

/** Figures that are only understood beside each other. */
export interface TableResult {
  readonly kind: "table";
  readonly id: string;
  readonly what: string;
  /** What the first column, the names of the rows, is about. */
  readonly of: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  readonly notes: readonly string[];
}

export interface TableColumn {
  readonly key: string;
  readonly title: string;
  /** Whether the smallest and the largest reading are shown beside the median. */
  readonly range: boolean;
}

export interface TableRow {
  readonly name: string;
  /** By the column's key; what a row does not have is left out. */
  readonly cells: Readonly<Record<string, Spread>>;
}

export type Result = RatioResult | FigureResult | TableResult;

export type Verdict = "pass" | "miss" | "no target";

/** Whether the median reached the target. */
export function verdictOf(result: RatioResult | FigureResult): Verdict {
  if (result.kind === "ratio") {
    if (result.atLeast === null) {
      return "no target";
    }
    return result.ratio.median >= result.atLeast ? "pass" : "miss";
  }
  if (result.atLeast !== undefined) {
    return result.figure.median >= result.atLeast ? "pass" : "miss";
  }
  if (result.atMost === null) {
    return "no target";
  }
  return result.figure.median <= result.atMost ? "pass" : "miss";
}
