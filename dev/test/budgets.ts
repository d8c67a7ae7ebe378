import { join } from "node:path";

/** How long parts may take together before the run names them. */
export interface Budget {
  readonly parts: readonly string[];
  readonly minutes: number;
}

/** Reads the table beside `.ci/run`. Throws if a line of it is none. */
export async function readBudgets(root: string): Promise<Budget[]> {
  return parseBudgets(await Bun.file(join(root, ".ci", "budgets.txt")).text());
}

/** Parses lines of `NAME[+NAME..] MINUTES`; `#` begins a comment. */
export function parseBudgets(text: string): Budget[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return lines.filter(Boolean).map((line) => {
    const [, names, minutes] = /^([a-z+-]+) +(\d+)$/.exec(line) ?? [];
    if (names === undefined || minutes === undefined) {
      throw new Error(`a line of the budgets is 'NAME[+NAME..] MINUTES', not '${line}'`);
    }
    return { parts: names.split("+"), minutes: Number(minutes) };
  });
}

/** A line for each budget that parts exceeded; what did not run took no time. */
export function listExceeded(
  budgets: readonly Budget[],
  tookMs: ReadonlyMap<string, number>,
): string[] {
  return budgets.flatMap(({ parts, minutes }) => {
    const took = parts.reduce((sum, name) => sum + (tookMs.get(name) ?? 0), 0) / 60_000;
    return took <= minutes
      ? []
      : [`over its budget: ${parts.join("+")} took ${took.toFixed(1)} of ${minutes} minutes`];
  });
}
