import { CommandError } from "../../src/operator/command.ts";
import { tryTool } from "../host/tool.ts";
import type { VagrantPaths } from "./config.ts";
import { onControlMachine } from "./inside.ts";
import type { Machine } from "./machine.ts";
import { askMachine } from "./ssh.ts";

/** What is timed: a program that starts, starts others and computes, as what the tests wait for. */
// Debian's own Python in both paths: one that comes first in a user's PATH starts by its own rules.
const WORK =
  '/usr/bin/python3 -c \'import json, subprocess; [subprocess.run(["true"]) for _ in range(20)]; ' +
  "sum(i * i for i in range(300000))'";
/** The fastest of these counts: what slows one of them down is not the machine's kind. */
const ROUNDS = 7;
const ROUND_LIMIT_MS = 120_000;
/**
 * How much longer than the control machine a host of the lab takes for it, ssh included: 359 and
 * 81 ms, the fastest of nine by turns (two cores, a lab that is up and idle, its kernel 7.3).
 */
const LAB_RATIO = 4.4;
/** Crowds last as many times longer, too: beyond this the tests would have no end. */
const FACTOR_MAX = 6;

/**
 * How many times slower than a host of the lab these machines are: what the tests' limits on times
 * are to be multiplied by. At least 1. Throws `CommandError` if a machine does not answer.
 */
export async function measureTimeFactor(
  paths: VagrantPaths,
  machines: readonly Machine[],
): Promise<number> {
  const [first] = machines;
  if (first === undefined) {
    throw new CommandError("there is no machine to measure");
  }
  const hereMs = await fastestMs(async () =>
    tryTool(onControlMachine(paths, ["sh", "-c", WORK]), "", ROUND_LIMIT_MS),
  );
  const thereMs = await fastestMs(async () => askMachine(paths, first.name, WORK, ROUND_LIMIT_MS));
  return timeFactor(hereMs, thereMs);
}

/** From what the same work takes on the control machine, and there. */
export function timeFactor(hereMs: number, thereMs: number): number {
  const factor = thereMs / hereMs / LAB_RATIO;
  return Math.min(FACTOR_MAX, Math.max(1, Math.ceil(factor * 10) / 10));
}

async function fastestMs(work: () => Promise<{ readonly exitCode: number }>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const beganMs = performance.now();
    if ((await work()).exitCode !== 0) {
      throw new CommandError("the work by which the machines are measured has failed");
    }
    fastest = Math.min(fastest, performance.now() - beganMs);
  }
  return fastest;
}
