import { randomUUID } from "node:crypto";

import { defineCommand } from "citty";

import { ROOT } from "../host/checkout.ts";
import { interruptible } from "../host/interrupt.ts";
import { readBudgets } from "../test/budgets.ts";
import { addTallies, TALLY_ZERO } from "../test/part.ts";
import { listParts, type Scope, SCOPES } from "../test/parts.ts";
import { runRound } from "../test/run-round.ts";

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
      await interruptible((signal) => runRounds(scope, rounds, signal));
    }
  },
});

function refuse(reason: string): void {
  console.error(`sluice test: ${reason}`);
  process.exitCode = 2;
}

async function runRounds(scope: Scope, rounds: number, signal: AbortSignal): Promise<void> {
  const [parts, budgets] = await Promise.all([listParts(scope, ROOT), readBudgets(ROOT)]);
  let total = TALLY_ZERO;
  const results: string[] = [];
  const exceeded = new Set<string>();
  for (let round = 1; round <= rounds && !signal.aborted; round++) {
    const name = randomUUID();
    const result = await runRound(parts, budgets, { root: ROOT, name, signal, print: console.log });
    total = addTallies(total, result.tally);
    result.exceeded.forEach((line) => exceeded.add(line));
    results.push(`round ${round} of ${rounds}: ${result.tally.failed === 0 ? "ok" : "FAILED"}`);
    if (rounds > 1) {
      console.log(`\n${results.join("\n")}`);
    }
  }
  console.log("");
  exceeded.forEach((line) => console.log(line));
  if (signal.aborted) {
    console.log("interrupted: not all was run");
    return;
  }
  // CI reads this line: it stands alone, and last.
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}
