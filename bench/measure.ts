import type { Result } from "./result.ts";
import type { Workshop } from "./workshop.ts";

export interface BenchOptions {
  /** Rounds of each comparison; each measures both sides. */
  readonly rounds: number;
  /** Connections of the load generator, the same for both sides. */
  readonly connections: number;
  /** Scales the number of requests a load has; 1 is about two seconds each. */
  readonly scale: number;
  /** A folder for processor profiles of the nodes, or null. */
  readonly profileFolder: string | null;
}

/** What a measurement works with. */
export interface Bench {
  readonly workshop: Workshop;
  readonly options: BenchOptions;
  readonly print: (line: string) => void;
}

/** One measurement: starts what it needs, measures, and says what it saw. */
export type Measure = (bench: Bench) => Promise<readonly Result[]>;

/** A number of requests, as large as the options want it, but at least `least`. */
export function scaled(bench: Bench, requests: number, least = 1_000): number {
  return Math.max(least, Math.round(requests * bench.options.scale));
}
