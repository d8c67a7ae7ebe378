import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { quantile, spreadOf } from "../../bench/statistics.ts";

describe("the figures that a benchmark prints", () => {
  test("the median of an odd number of readings is the one in the middle", () => {
    expect(spreadOf([3, 1, 2])).toEqual({
      median: 2,
      min: 1,
      max: 3,
      lowerQuartile: 1.5,
      upperQuartile: 2.5,
      count: 3,
    });
  });

  test("the median of an even number of readings lies half way between the middle two", () => {
    expect(spreadOf([10, 1, 2, 4]).median).toBe(3);
  });

  test("one disturbed reading does not move the median", () => {
    expect(spreadOf([0.71, 0.7, 0.69, 0.7, 0.02]).median).toBe(0.7);
  });

  test("a single reading is its own median and spread", () => {
    const { median, min, max, count } = spreadOf([42]);
    expect([median, min, max, count]).toEqual([42, 42, 42, 1]);
  });

  test("the readings are left in their order", () => {
    const readings = Object.freeze([2, 3, 1]);
    spreadOf(readings);
    expect(readings).toEqual([2, 3, 1]);
  });

  test("nothing measured, a reading that is no number, no such part: an error, not a figure", () => {
    expect(() => spreadOf([])).toThrow("no readings");
    expect(() => spreadOf([1, Number.NaN])).toThrow("finite");
    expect(() => quantile([1], 1.1)).toThrow("from 0 to 1");
  });

  test("smallest, quartiles, median and largest are in order, in any order of the readings", () => {
    const readings = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });
    fc.assert(
      fc.property(readings, (values) => {
        const s = spreadOf(values);
        const inOrder = [s.min, s.lowerQuartile, s.median, s.upperQuartile, s.max];
        const slack = 1e-6;
        for (const [i, value] of inOrder.slice(1).entries()) {
          expect(value).toBeGreaterThanOrEqual((inOrder[i] ?? 0) - slack);
        }
        expect(spreadOf(values.toReversed())).toEqual(s);
      }),
    );
  });
});
