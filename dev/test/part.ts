/** How many tests passed, failed and were skipped. A static check counts as one test. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One program of the test run and how its result is read. */
export interface Part {
  readonly name: string;
  readonly command: readonly string[];
  /** When it is ended, with everything that it started. */
  readonly limitMs: number;
  /** The JUnit file that it writes; a part without one is a check, judged by its exit code. */
  readonly reportPath: string | null;
  /** Needs the machine for itself: nothing runs beside it, so it may print as it goes. */
  readonly isAlone?: boolean;
  /** Takes about half a processor: more may run beside it. */
  readonly mostlyWaits?: boolean;
  /** Run at the end of a round: takes away what the part leaves behind if it is killed. */
  readonly tidyCommand?: readonly string[];
}

export const TALLY_ZERO: Tally = { passed: 0, failed: 0, skipped: 0 };

/** Adds two tallies up. */
export function addTallies(left: Tally, right: Tally): Tally {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}
