import { defineCommand } from "citty";

import { ROOT } from "../host/checkout.ts";
import { addTallies, type Part, TALLY_ZERO } from "../test/part.ts";
import { listParts, type Scope, SCOPES } from "../test/parts.ts";
import { runPart } from "../test/run-part.ts";

const REPEAT_MAX = 1_000;

export default defineCommand({
  meta: { name: "test", description: "Runs the tests; all of them without an argument" },
  args: {
    scope: {
      type: "positional",
      required: false,
      default: "all",
      description:
        "unit (checks, unit, ledger, orders, faults, launcher), stack, embedded (both), orders, " +
        "faults, lab, vagrant, static",
    },
    repeat: {
      type: "string",
      default: "1",
      description: "runs the scope that many times and prints each round's result",
    },
  },
  async run({ args }) {
    const scope = SCOPES.find((known) => known === args.scope);
    const rounds = Number(args.repeat);
    if (scope === undefined) {
      refuse(`there are no tests called '${args.scope}'. There are: ${SCOPES.join(", ")}.`);
    } else if (!Number.isInteger(rounds) || rounds < 1 || rounds > REPEAT_MAX) {
      refuse(`--repeat takes a whole number from 1 to ${REPEAT_MAX}, not '${args.repeat}'.`);
    } else {
      await runRounds(scope, rounds);
    }
  },
});

function refuse(reason: string): void {
  console.error(`sluice test: ${reason}`);
  process.exitCode = 2;
}

async function runRounds(scope: Scope, rounds: number): Promise<void> {
  const parts = await listParts(scope, ROOT);
  let total = TALLY_ZERO;
  const results: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    const tally = await runRound(parts);
    total = addTallies(total, tally);
    results.push(`round ${round} of ${rounds}: ${tally.failed === 0 ? "ok" : "FAILED"}`);
    if (rounds > 1) {
      console.log(`\n${results.join("\n")}`);
    }
  }
  // CI reads this line: it stands alone, and last.
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

async function runRound(parts: readonly Part[]) {
  let tally = TALLY_ZERO;
  for (const part of parts) {
    tally = addTallies(tally, await runPart(part, ROOT));
  }
  return tally;
}
