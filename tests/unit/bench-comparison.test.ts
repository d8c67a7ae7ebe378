import { describe, expect, test } from "bun:test";

import { selectMeasures } from "../../bench/measures.ts";
import type { Reading } from "../../bench/result.ts";
import { compare, type Side } from "../../bench/side-by-side.ts";

function reading(perSecond: number, cpuMicros: Record<string, number>): Reading {
  return { requests: 1_000, seconds: 1_000 / perSecond, perSecond, cpuMicros, othersShare: 0.1 };
}

function comparisonOf(ours: Side, other: Side) {
  return { id: "x", what: "ours against other", atLeast: 0.5, ours, other, notes: [] };
}

describe("two sides measured by turns", () => {
  test("the order is swapped each round, and each side is measured once a round", async () => {
    const order: string[] = [];
    const side = (name: string): Side => ({
      name,
      measure: (round) => {
        order.push(`${name}${round}`);
        return Promise.resolve(reading(100, { server: 1 }));
      },
    });
    await compare(comparisonOf(side("ours"), side("other")), 3, () => undefined);
    expect(order).toEqual(["ours1", "other1", "other2", "ours2", "ours3", "other3"]);
  });

  test("a machine that slows down for both changes the rates, but not the ratio", async () => {
    const speeds = [1, 0.5, 0.25];
    const side = (name: string, perSecond: number, cpuMicros: Record<string, number>): Side => ({
      name,
      measure: (round) => Promise.resolve(reading(perSecond * (speeds[round - 1] ?? 1), cpuMicros)),
    });
    const result = await compare(
      comparisonOf(side("ours", 400, { node: 2, redis: 3 }), side("other", 800, { bare: 4 })),
      3,
      () => undefined,
    );
    expect(result.ours.perSecond).toMatchObject({ median: 200, min: 100, max: 400 });
    expect(result.ratio).toMatchObject({ median: 0.5, min: 0.5, max: 0.5, count: 3 });
    expect(result.cpuRatio.median).toBe(4 / 5);
    expect(result.ours.cpuMicros["redis"]?.median).toBe(3);
  });

  test("a load that fails ends the comparison instead of leaving a round out", async () => {
    const fine: Side = { name: "fine", measure: () => Promise.resolve(reading(1, { server: 1 })) };
    const broken: Side = { name: "broken", measure: () => Promise.reject(new Error("lost")) };
    const comparing = compare(comparisonOf(fine, broken), 2, () => undefined);
    expect(await comparing.catch(String)).toBe("Error: lost");
  });
});

describe("which benchmarks run", () => {
  test("they run in their own order, whatever order they are named in", () => {
    expect(selectMeasures(["soldOut", "cost"])).toEqual(["cost", "soldOut"]);
  });

  test("without a name all of them run", () => {
    expect(selectMeasures([])).toContain("cost");
    expect(selectMeasures([])).toContain("baseline");
  });

  test("a name that there is not is refused with those that there are", () => {
    expect(() => selectMeasures(["cost", "fast"])).toThrow(
      /no benchmark "fast"; there are: cost, /,
    );
  });
});
