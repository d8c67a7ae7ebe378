import { type Budget, listExceeded } from "./budgets.ts";
import { runInLanes } from "./lanes.ts";
import { addTallies, type Part, type Tally, TALLY_ZERO } from "./part.ts";
import { type Round, runPart, tidyPart } from "./run-part.ts";

/** What a round of parts came to. */
export interface RoundResult {
  readonly tally: Tally;
  /** Lines that name the budgets that were exceeded. */
  readonly exceeded: readonly string[];
}

/**
 * Runs parts to their end, those that may side by side. When the round is called off, all that run
 * are killed and no other is started. What parts leave behind is taken away either way.
 */
export async function runRound(
  parts: readonly Part[],
  budgets: readonly Budget[],
  round: Round,
): Promise<RoundResult> {
  let tally = TALLY_ZERO;
  const tookMs = new Map<string, number>();
  const run = async (part: Part): Promise<void> => {
    try {
      const result = await runPart(part, round);
      tally = addTallies(tally, result.tally);
      tookMs.set(part.name, result.tookMs);
    } catch (error) {
      // A program that is not there, say: the other parts are worth running all the same.
      tally = addTallies(tally, { ...TALLY_ZERO, failed: 1 });
      round.print(`${part.name}: FAILED, could not be run: ${String(error)}`);
    }
  };
  try {
    await runInLanes(parts, run, round.signal);
  } finally {
    for (const part of parts) {
      await tidyPart(part, round.root);
    }
  }
  return { tally, exceeded: listExceeded(budgets, tookMs) };
}
