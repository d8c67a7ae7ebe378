/** Random numbers that a seed repeats. */
export interface Random {
  readonly seed: number;
  /** From 0 up to 1. */
  readonly fraction: () => number;
  /** A whole number from `least` to `most`. */
  readonly whole: (least: number, most: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(from: readonly T[]) => T;
}

/** mulberry32: 32 bits of state, quite enough to choose faults with. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (least: number, most: number) =>
    least + Math.floor(fraction() * (most - least + 1));
  return {
    seed,
    fraction,
    whole,
    chance: (share) => fraction() < share,
    pick: (from) => from[whole(0, from.length - 1)] as (typeof from)[number],
  };
}

/**
 * The seeds of a test: FAULT_SEED alone where it is set, else `count` new ones. Printed, so that
 * `FAULT_SEED=n bun test tests/faults/...` does it again.
 */
export function seedsOf(test: string, count: number): number[] {
  const given = Bun.env["FAULT_SEED"];
  const seeds =
    given === undefined || given === ""
      ? Array.from({ length: count }, () => Math.floor(Math.random() * 2 ** 32))
      : [Number(given)];
  if (!seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)) {
    throw new Error(`FAULT_SEED=${given}: it must be a whole number from 0`);
  }
  console.log(`${test}: ${seeds.map((seed) => `FAULT_SEED=${seed}`).join(" ")}`);
  return seeds;
}
