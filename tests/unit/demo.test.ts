import { describe, expect, test } from "bun:test";

import { pays } from "../../dev/demo/payer.ts";
import { readShare } from "../../src/operator/command.ts";

describe("who pays in a demo", () => {
  const serials = Array.from({ length: 20_000 }, (_, index) => index + 1);
  const payersOf = (seed: number, share: number) =>
    serials.filter((serial) => pays({ seed, share }, serial));

  test("is about the share that was asked for, all of them or none", () => {
    expect(payersOf(1, 0.7).length / serials.length).toBeCloseTo(0.7, 1);
    expect(payersOf(1, 0)).toEqual([]);
    expect(payersOf(1, 1)).toEqual(serials);
  });

  test("is the same for the same seed, and others for another", () => {
    expect(payersOf(7, 0.5)).toEqual(payersOf(7, 0.5));
    expect(payersOf(7, 0.5)).not.toEqual(payersOf(8, 0.5));
  });
});

describe("a share that is typed", () => {
  test.each(["0", "1", "0.7", ".25", "1.0"])("%s is one", (text) => {
    expect(readShare("--pay", text)).toBe(Number(text));
  });

  test.each(["", "70", "1.1", "-0.5", "half", "7e-1", "."])("%p is none", (text) => {
    expect(() => readShare("--pay", text)).toThrow("--pay is a share from 0 to 1");
  });
});
