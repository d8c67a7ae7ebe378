import { LabError } from "../lab/lab-error.ts";
import { tryTool } from "../lab/tool.ts";
import type { VagrantPlaces } from "./config.ts";
import { onControlMachine } from "./inside.ts";
import type { Machine } from "./inventory.ts";
import { askMachine } from "./ssh.ts";

/** What is timed: a program that starts, starts others and computes, as what the tests wait for. */
const WORK =
  'python3 -c \'import json, subprocess; [subprocess.run(["true"]) for _ in range(20)]; ' +
  "sum(i * i for i in range(300000))'";
const ROUNDS = 5;
const ROUND_LIMIT_MS = 120_000;
/**
 * How much longer a host of the lab takes for it than the control machine: 0.64 s and 0.57 s, the
 * medians on two busy cores. The tests' limits are written for the lab.
 */
const LAB_RATIO = 1.1;
/** Crowds last as many times longer, too. Slower machines than that are not what is measured. */
const FACTOR_MAX = 8;

/**
 * How many times slower than a host of the lab these machines are: what the tests' limits on times
 * are to be multiplied by. At least 1. Throws `LabError` if a machine does not answer.
 */
export async function measureTimeFactor(
  places: VagrantPlaces,
  machines: readonly Machine[],
): Promise<number> {
  const [first] = machines;
  if (first === undefined) {
    throw new LabError("there is no machine to measure");
  }
  const hereMs = await medianMs(async () =>
    tryTool(onControlMachine(places, ["sh", "-c", WORK]), "", ROUND_LIMIT_MS),
  );
  const thereMs = await medianMs(async () => askMachine(places, first.name, WORK, ROUND_LIMIT_MS));
  return timeFactor(hereMs, thereMs);
}

/** From what the same work takes on the control machine, and there. */
export function timeFactor(hereMs: number, thereMs: number): number {
  const factor = thereMs / hereMs / LAB_RATIO;
  return Math.min(FACTOR_MAX, Math.max(1, Math.ceil(factor * 10) / 10));
}

async function medianMs(work: () => Promise<{ readonly exitCode: number }>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const beganMs = performance.now();
    if ((await work()).exitCode !== 0) {
      throw new LabError("the work that tells how slow the machines are has failed");
    }
    times.push(performance.now() - beganMs);
  }
  return times.sort((left, right) => left - right)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
}
