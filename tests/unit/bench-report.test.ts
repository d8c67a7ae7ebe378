import { describe, expect, test } from "bun:test";

import { alignColumns, renderText, type RunFacts } from "../../bench/render.ts";
import {
  type FigureResult,
  type RatioResult,
  type TableResult,
  verdictOf,
} from "../../bench/result.ts";
import { spreadOf } from "../../bench/statistics.ts";

const facts: RunFacts = {
  startedAt: "2026-01-02T03:04:05.000Z",
  machine: "2 cores (a processor)",
  bun: "1.2.3",
  rounds: 4,
  connections: 100,
  settings: ["SLUICE_BATCH_MAX=128"],
};

const ratio: RatioResult = {
  kind: "ratio",
  id: "sold",
  what: "ours against bare",
  atLeast: 0.7,
  ratio: spreadOf([0.69, 0.7, 0.72, 0.74, 0.75]),
  cpuRatio: spreadOf([0.5, 0.52, 0.51, 0.5]),
  othersShare: spreadOf([0.01, 0.02, 0.03]),
  ours: {
    name: "node",
    perSecond: spreadOf([40_000, 42_000]),
    cpuMicros: { node: spreadOf([13.14]), redis: spreadOf([7]) },
  },
  other: { name: "bare", perSecond: spreadOf([60_000.4]), cpuMicros: { bare: spreadOf([123.4]) } },
  notes: ["answers of 303 bytes"],
};

const figure: FigureResult = {
  kind: "figure",
  id: "memory",
  what: "resident memory",
  unit: "MB",
  atMost: 150,
  figure: spreadOf([87.24]),
  notes: [],
};

const table: TableResult = {
  kind: "table",
  id: "costs",
  what: "what a ticket costs",
  of: "path",
  columns: [
    { key: "node", title: "node", range: false },
    { key: "sum", title: "sum", range: true },
  ],
  rows: [
    { name: "bare", cells: { sum: spreadOf([11.04]) } },
    { name: "keys", cells: { node: spreadOf([20, 21, 25]), sum: spreadOf([60, 64, 70]) } },
  ],
  notes: ["how it was measured"],
};

describe("whether a target was reached", () => {
  test("a ratio at its target passes, one just below is a miss", () => {
    expect(verdictOf({ ...ratio, ratio: spreadOf([0.7]) })).toBe("pass");
    expect(verdictOf({ ...ratio, ratio: spreadOf([0.699]) })).toBe("miss");
  });

  test("a figure at its bound passes, one just above is a miss", () => {
    expect(verdictOf({ ...figure, figure: spreadOf([150]) })).toBe("pass");
    expect(verdictOf({ ...figure, figure: spreadOf([150.1]) })).toBe("miss");
  });

  test("a figure of which more is better passes at its target and misses just below", () => {
    const rate = { ...figure, atMost: null, atLeast: 20_000 };
    expect(verdictOf({ ...rate, figure: spreadOf([20_000]) })).toBe("pass");
    expect(verdictOf({ ...rate, figure: spreadOf([19_999]) })).toBe("miss");
  });

  test("without a target there is no verdict, however good or bad the figure", () => {
    expect(verdictOf({ ...ratio, atLeast: null })).toBe("no target");
    expect(verdictOf({ ...figure, atMost: null, figure: spreadOf([1e9]) })).toBe("no target");
  });
});

describe("the report as text", () => {
  const lines = renderText(facts, [ratio, figure]).split("\n");
  const lineWith = (text: string) => lines.find((line) => line.includes(text)) ?? "";

  test("a ratio has its median, spread, target and verdict on one line", () => {
    expect(lineWith("0.69..0.75").replaceAll(/ {2,}/g, " | ")).toBe(
      "sold: ours against bare | 0.72 | 0.69..0.75 | 0.70..0.74 | >= 0.70 | pass",
    );
  });

  test("a figure has its unit, and says that it was read once", () => {
    expect(lineWith("87.2").replaceAll(/ {2,}/g, " | ")).toBe(
      "memory: resident memory | 87.2 MB | one reading | <= 150 MB | pass",
    );
  });

  test("a figure of which the list says everything is not named again below it", () => {
    expect(lines.filter((line) => line.startsWith("memory:"))).toHaveLength(1);
  });

  test("a figure of which more is better says how much is wanted", () => {
    const rate = { ...figure, unit: "/s", atMost: null, atLeast: 20_000 };
    const report = renderText(facts, [{ ...rate, figure: spreadOf([30_000]) }]);
    expect(report.replaceAll(/ {2,}/g, " | ")).toContain(
      "30000 /s | one reading | >= 20000 /s | pass",
    );
  });

  test("both sides show their rates and the processor time of each server process", () => {
    expect(lineWith("  node ")).toContain("41000/s");
    expect(lineWith("  node ")).toContain("(40000..42000)");
    expect(lineWith("  node ")).toContain("node 13.1, redis 7.00");
    expect(lineWith("  bare ")).toContain("60000/s");
    expect(lineWith("  bare ")).toContain("bare 123");
    expect(lineWith("the other's over ours")).toContain("0.51 (0.50..0.52)");
  });

  test("a machine that others used meanwhile is said to be none to rely on, a quiet one is not", () => {
    expect(lineWith("other programs")).toBe(
      "  other programs meanwhile took 2 % of all cores (at most 3 %)",
    );
    const busy = renderText(facts, [{ ...ratio, othersShare: spreadOf([0.2, 0.3, 0.4]) }]);
    expect(busy).toContain("took 30 % of all cores (at most 40 %): not a quiet machine");
  });

  test("what the figures depend on is said: machine, rounds, connections, settings, notes", () => {
    expect(lines[1]).toContain("2 cores (a processor); Bun 1.2.3; 4 rounds");
    expect(lines[1]).toContain("100 connections; SLUICE_BATCH_MAX=128");
    expect(lineWith("answers of 303 bytes")).not.toBe("");
  });

  test("a table is shown whole, a dash for what a row does not have, and is no line of the list", () => {
    const report = renderText(facts, [ratio, table]).split("\n");
    const start = report.indexOf("costs: what a ticket costs");
    expect(report.slice(start + 1, start + 5)).toEqual([
      "  path  node   sum    min..max",
      "  bare     -  11.0  11.0..11.0",
      "  keys  21.0  64.0  60.0..70.0",
      "  how it was measured",
    ]);
    expect(report.filter((line) => line.startsWith("costs:"))).toHaveLength(1);
  });

  test("columns stand below each other", () => {
    expect(
      alignColumns([
        ["a", "1", ""],
        ["bbb", "222", "x"],
      ]),
    ).toEqual(["a      1", "bbb  222  x"]);
  });
});
