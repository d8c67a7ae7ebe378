import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";

import { identify, isRunning } from "../../dev/host/process-table.ts";
import { listExceeded, parseBudgets, readBudgets } from "../../dev/test/budgets.ts";
import { PROCESSORS, runInLanes, shareOf } from "../../dev/test/lanes.ts";
import type { Part } from "../../dev/test/part.ts";
import { listParts } from "../../dev/test/parts.ts";
import { runRound } from "../../dev/test/run-round.ts";
import { until } from "../support/until.ts";

const checkout = join(import.meta.dir, "..", "..");
const root = mkdtempSync(join(tmpdir(), "sluice-lanes-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const never = new AbortController().signal;

describe("parts in lanes", () => {
  test("all run once, in order, no more than keep two processors busy, and one that is alone beside none", async () => {
    const queue = fc.array(
      fc.record({
        isAlone: fc.boolean(),
        mostlyWaits: fc.boolean(),
        turns: fc.integer({ max: 4, min: 0 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(queue, async (parts) => {
        const started: number[] = [];
        const running = new Set<number>();
        const named = parts.map((made, id) => ({ ...made, id }));
        await runInLanes(
          named,
          async ({ id, isAlone, mostlyWaits, turns }) => {
            started.push(id);
            const beside = [...running].flatMap((other) => named[other] ?? []);
            const busy = beside.reduce((sum, one) => sum + shareOf(one), 0);
            expect(busy + shareOf({ isAlone, mostlyWaits })).toBeLessThanOrEqual(PROCESSORS);
            expect(beside.length > 0 && (isAlone || beside.some((one) => one.isAlone))).toBe(false);
            running.add(id);
            for (let turn = 0; turn < turns; turn += 1) {
              await Bun.sleep(0);
            }
            running.delete(id);
          },
          never,
        );
        expect(started).toEqual(named.map(({ id }) => id));
        expect(running.size).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    { count: 2, mostlyWaits: false },
    { count: 4, mostlyWaits: true },
  ])(
    "$count that wait for each other come to their end: they do run side by side",
    async (made) => {
      const met = Promise.withResolvers<void>();
      let present = 0;
      const meet = async (): Promise<void> => {
        present += 1;
        if (present === made.count) {
          met.resolve();
        }
        await met.promise;
      };
      await runInLanes(
        Array.from({ length: made.count }, () => made),
        meet,
        never,
      );
      expect(present).toBe(made.count);
    },
  );

  test("what comes after one that failed runs as well", async () => {
    const { tally, printed } = await round([part("bad", "exit 3"), part("good", "true")], never);
    expect(tally).toEqual({ passed: 1, failed: 1, skipped: 0 });
    expect(printed.join("\n")).toContain("bad: FAILED, 1 of 1, exit code 3");
  });

  test("a program that is not there is a failure, and no end of the run", async () => {
    const missing = { ...part("missing", ""), command: [join(root, "no-such-program")] };
    const { tally } = await round([missing, part("good", "true")], never);
    expect(tally).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  test("what a suite prints comes in one piece, when it has ended", async () => {
    const [mine, other] = ["mine", "other"].map((name) =>
      suite(name, `echo ${name} 1; echo ${name} 2 >&2; sleep 0.1; echo ${name} 3`),
    );
    const { printed } = await round([mine, other] as Part[], never);
    const blocks = printed.filter((text) => text.includes("1\n"));
    const bodies = blocks.map((text) => text.trim().split("\n").slice(1).join(", "));
    expect(bodies.sort()).toEqual(["mine 1, mine 2, mine 3", "other 1, other 2, other 3"]);
  });

  test("parts know the round by a variable that no program of ours refuses", async () => {
    const variables = `${root}/variables`;
    await round([part("one", `env >'${variables}'`)], never);
    const names = (await Bun.file(variables).text()).match(/^[A-Z_]+(?==round$)/gm);
    expect(names).toEqual(["TEST_ROUND"]);
  });

  test("an interrupt ends all lanes with what they started, starts none, and tidies up", async () => {
    const abort = new AbortController();
    const hang = (name: string): Part => ({
      ...part(name, `sleep 600 & echo $! >'${root}/${name}.pid'; wait`),
      tidyCommand: ["touch", join(root, `${name}.tidied`)],
    });
    const done = round(
      [hang("left"), hang("right"), part("next", `touch ${root}/next`)],
      abort.signal,
    );
    const pids = await until("both have started", async () => {
      const texts = await Promise.all(
        ["left", "right"].map((name) =>
          Bun.file(join(root, `${name}.pid`))
            .text()
            .catch(() => ""),
        ),
      );
      return texts.every((text) => text.endsWith("\n")) ? texts.map(Number) : null;
    });
    const sleeping = pids.map(identify);
    abort.abort();
    await done;
    await until(
      "nothing of them runs",
      () => !sleeping.some((one) => one !== null && isRunning(one)),
    );
    expect(existsSync(join(root, "next"))).toBe(false);
    expect(["left", "right"].every((name) => existsSync(join(root, `${name}.tidied`)))).toBe(true);
  });
});

describe("budgets", () => {
  test("each names parts of the whole run, and none stands twice", async () => {
    const [budgets, parts] = await Promise.all([readBudgets(checkout), listParts("all", checkout)]);
    const names = budgets.flatMap((budget) => budget.parts);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !parts.some((known) => known.name === name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("one that is exceeded is named, with the sum of its parts", () => {
    const budgets = parseBudgets("# minutes\nquick  1\none+two 2 # a sum\n");
    const took = new Map([
      ["quick", 60_000],
      ["one", 100_000],
      ["two", 80_000],
    ]);
    expect(listExceeded(budgets, took)).toEqual(["over its budget: one+two took 3.0 of 2 minutes"]);
    expect(listExceeded(budgets, new Map([["one", 100_000]]))).toEqual([]);
  });

  test.each(["stack", "stack four", "stack 4 5", "4"])("%p is no line of the table", (line) => {
    expect(() => parseBudgets(line)).toThrow("a line of the budgets");
  });
});

function part(name: string, script: string): Part {
  return { name, command: ["bash", "-c", script], limitMs: 20_000, reportPath: null };
}

/** A suite whose only test passes. */
function suite(name: string, script: string): Part {
  const reportPath = join(root, name, "report.xml");
  const report = '<testsuites><testcase name="a" /></testsuites>';
  return { ...part(name, `${script}; echo '${report}' >'${reportPath}'`), reportPath };
}

async function round(parts: readonly Part[], signal: AbortSignal) {
  const printed: string[] = [];
  const print = (line: string): void => void printed.push(line);
  const result = await runRound(parts, [], { root, name: "round", signal, print });
  return { ...result, printed };
}
