import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { type IdleReading, idleResults } from "../../bench/cost/idle.ts";
import { type CostFacts, costNotes } from "../../bench/cost/notes.ts";
import { inTurns } from "../../bench/cost/plan.ts";
import { type CostReading, costTable, everydayFigures } from "../../bench/cost/summary.ts";
import { readRedisSize } from "../../bench/redis-size.ts";
import { purchaseOf, replaysAmong } from "../../bench/replay-schedule.ts";
import { spreadOf } from "../../bench/statistics.ts";

const schedules = fc.record({
  every: fc.integer({ min: 2, max: 120 }),
  distance: fc.integer({ min: 1, max: 900 }),
});

describe("which requests of a load ask again for an earlier purchase", () => {
  test("of a thousand requests at one in a hundred, ten do, and 990 tickets are sold", () => {
    const schedule = { every: 100, distance: 8 };
    const purchases = Array.from({ length: 1_000 }, (_, i) => purchaseOf(i, schedule));
    expect(replaysAmong(1_000, 100)).toBe(10);
    expect(new Set(purchases).size).toBe(990);
    expect(purchases.slice(97, 102)).toEqual([97, 98, 91, 99, 100]);
  });

  test("without replays each request is for the purchase of its own number", () => {
    const schedule = { every: 0, distance: 8 };
    expect([0, 1, 99, 100].map((i) => purchaseOf(i, schedule))).toEqual([0, 1, 99, 100]);
    expect(replaysAmong(1_000, 0)).toBe(0);
  });

  test("as many tickets as requests less replays, numbered without gaps, replays of earlier ones", () => {
    fc.assert(
      fc.property(schedules, fc.integer({ min: 1, max: 2_000 }), (schedule, requests) => {
        let sold = 0;
        let replays = 0;
        for (let request = 0; request < requests; request += 1) {
          const purchase = purchaseOf(request, schedule);
          if (purchase === sold) {
            sold += 1;
          } else {
            replays += 1;
            expect(purchase).toBeGreaterThanOrEqual(0);
            expect(purchase).toBeLessThan(sold);
          }
        }
        expect(replays).toBe(replaysAmong(requests, schedule.every));
        expect(sold).toBe(requests - replays);
      }),
    );
  });
});

function info(rewriting: number): string {
  return (
    `# Persistence\r\naof_rewrite_in_progress:${rewriting}\r\naof_current_size:1234\r\n` +
    "aof_base_size:88\r\n# Memory\r\nused_memory:5678\r\nused_memory_human:5.5K\r\n"
  );
}

describe("what Redis says that its data takes", () => {
  test("file and memory are read from INFO", () => {
    expect(readRedisSize(info(0))).toEqual({ fileBytes: 1_234, memoryBytes: 5_678 });
  });

  test("growth over a rewrite is refused, and so is a server that keeps no append-only file", () => {
    expect(() => readRedisSize(info(1))).toThrow("rewrites its append-only file");
    const without = info(0).replace("aof_current_size:1234\r\n", "");
    expect(() => readRedisSize(without)).toThrow("does not report aof_current_size");
  });
});

const facts: CostFacts = {
  redisVersion: "7.0.15",
  postgres: "PostgreSQL 15",
  fileSystem: "/dev/vda, ext4",
  othersShare: spreadOf([0.01, 0.02, 0.03]),
  loads: [
    [0.1, 0.2, 0.3],
    [2, 1, 0.5],
  ],
  ticketsMin: 4_000,
};

test("what the figures depend on is said: servers, disk, the machine's load, the clock's step", () => {
  const text = costNotes(facts).join("\n");
  expect(text).toContain("Redis 7.0.15, appendfsync always; durability primary; PostgreSQL 15;");
  expect(text).toContain("files on /dev/vda, ext4");
  expect(text).toContain("known to 0.01 s, which is 2.5 us a ticket");
  expect(text).toEndWith(
    "2 % of all cores (at most 3 %); load average 0.1 0.2 0.3 before, 2.0 1.0 0.5 after",
  );
  const busy = costNotes({ ...facts, othersShare: spreadOf([0.3]) }).join("\n");
  expect(busy).toContain("(at most 30 %): not a quiet machine");
});

const reading = (over: Partial<CostReading>): CostReading => ({
  path: "keys, SQLite",
  connections: 400,
  cpuMicros: { node: 22, redis: 20, worker: 18 },
  perSecond: 10_000,
  fileBytes: 650,
  memoryBytes: 500,
  bare: { cpuMicros: 10, perSecond: 40_000 },
  ...over,
});

describe("what a ticket costs, out of the slices of all rounds", () => {
  test("a row for the bare handler and each path, by connections, medians of each process", () => {
    const readings = [
      reading({}),
      reading({ cpuMicros: { node: 24, redis: 21, worker: 30 } }),
      reading({ cpuMicros: { node: 90, redis: 25, worker: 19 } }),
      reading({ connections: 1 }),
      reading({
        path: "keys, PostgreSQL",
        cpuMicros: { node: 1, redis: 2, worker: 3, postgres: 4 },
      }),
    ];
    const { rows } = costTable(readings, []);
    expect(rows.map(({ name }) => name)).toEqual([
      "1, bare handler",
      "1, keys, SQLite",
      "400, bare handler",
      "400, keys, SQLite",
      "400, keys, PostgreSQL",
    ]);
    const keys = rows.at(-2)?.cells;
    expect(keys?.["node"]?.median).toBe(24);
    expect(keys?.["redis"]?.median).toBe(21);
    expect(keys?.["worker"]?.median).toBe(19);
    expect(keys?.["postgres"]).toBeUndefined();
    expect(keys?.["sum"]).toMatchObject({ min: 60, median: 75, max: 134 });
    expect(rows.at(-1)?.cells["postgres"]?.median).toBe(4);
  });

  test("a machine that slows down changes the microseconds, but not the bare handlers", () => {
    const readings = [1, 2, 4].map((slow) =>
      reading({
        cpuMicros: { node: 22 * slow, redis: 20 * slow, worker: 18 * slow },
        bare: { cpuMicros: 10 * slow, perSecond: 40_000 / slow },
      }),
    );
    const row = costTable(readings, []).rows.at(-1);
    expect(row?.cells["sum"]).toMatchObject({ min: 60, max: 240 });
    expect(row?.cells["bareHandlers"]).toMatchObject({ min: 6, median: 6, max: 6, count: 3 });
  });

  test("the aims are about the everyday case alone: keys into SQLite at 400 connections", () => {
    const figures = everydayFigures([
      reading({}),
      reading({ connections: 1, cpuMicros: { node: 1, redis: 1, worker: 1 }, fileBytes: 1 }),
      reading({ path: "plain, SQLite", cpuMicros: { node: 1, redis: 1, worker: 1 } }),
    ]);
    expect(figures.map(({ id, figure }) => [id, figure.median])).toEqual([
      ["cost", 6],
      ["costNode", 2.2],
      ["costRedis", 2],
      ["costWorker", 1.8],
      ["costFile", 650],
      ["costMemory", 500],
    ]);
  });

  test("a process that was not measured is an error, not a cost of nothing", () => {
    expect(() => everydayFigures([reading({ cpuMicros: { node: 22, redis: 20 } })])).toThrow(
      "finite",
    );
    expect(() => everydayFigures([])).toThrow("no readings");
  });

  test("every second round goes the other way", () => {
    expect([1, 2, 3].map((round) => inTurns(["a", "b", "c"], round).join(""))).toEqual([
      "abc",
      "cba",
      "abc",
    ]);
  });
});

const idle = (sales: number, node: number): IdleReading => ({
  sales,
  onNode: sales,
  windows: [
    { node, redis: 3, worker: 17 },
    { node: node + 2, redis: 3, worker: 17 },
  ],
});

test("what is idle has an aim for one sale and the same for many", () => {
  const results = idleResults([idle(1, 4), idle(300, 900)]);
  const figures = results.filter((result) => result.kind === "figure");
  expect(figures.map(({ id, atMost, figure }) => [id, atMost, figure.median])).toEqual([
    ["idleNode1", 5, 5],
    ["idleWorker1", 4, 17],
    ["idleNode300", 5, 901],
    ["idleWorker300", 4, 17],
  ]);
});
