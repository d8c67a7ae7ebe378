import { expect, test } from "bun:test";

import type { Reply } from "../../src/ledger/ledger.ts";
import { Batcher, type BatcherOptions } from "../../src/node/selling/batcher.ts";
import { until } from "../support/until.ts";
import { turn } from "./support/scripted-ledger.ts";

/** Questions are words, answers their lengths; the test says what each call comes to. */
class Rig {
  readonly calls: (readonly string[])[] = [];
  readonly faults: string[] = [];
  readonly #waiting: ((reply: Reply<readonly number[]>) => void)[] = [];
  readonly batcher: Batcher<string, number>;
  nowMs = 0;

  constructor(options: Partial<BatcherOptions<string, number>> = {}) {
    this.batcher = new Batcher<string, number>({
      send: (words) => {
        this.calls.push(words);
        return new Promise((resolve) => this.#waiting.push(resolve));
      },
      batchMax: 3,
      queueMax: 5,
      repeatForMs: 1_000,
      nowMs: () => this.nowMs,
      onFault: (reason) => this.faults.push(reason),
      ...options,
    });
  }

  async answer(): Promise<void> {
    const words = this.calls.at(-1) ?? [];
    this.#waiting.shift()?.({ kind: "ok", value: words.map((word) => word.length) });
    await turn();
  }

  async fail(kind: "notSent" | "refused" | "unknown"): Promise<void> {
    this.#waiting.shift()?.({ kind, reason: "scripted" });
    await turn();
  }

  /** Waits until the batch was sent again. */
  repeated(calls: number): Promise<boolean> {
    return until("the batch is sent again", () => this.calls.length === calls);
  }
}

test("questions of one turn share a call, those that come meanwhile the next, in order", async () => {
  const rig = new Rig();
  const early = [rig.batcher.ask("a"), rig.batcher.ask("bb")];
  await turn();
  const late = ["c", "dd", "eee", "ffff"].map((word) => rig.batcher.ask(word));
  await turn();
  expect(rig.calls).toEqual([["a", "bb"]]);
  for (let i = 0; i < 3; i += 1) {
    await rig.answer();
  }
  expect(rig.calls).toEqual([["a", "bb"], ["c", "dd", "eee"], ["ffff"]]);
  const answers = await Promise.all([...early, ...late]);
  expect(answers).toEqual([1, 2, 1, 2, 3, 4].map((answer) => ({ kind: "answer", answer })));
});

test("beyond the queue it is full at once, and nobody is asked", async () => {
  const rig = new Rig({ queueMax: 2 });
  void rig.batcher.ask("a");
  void rig.batcher.ask("b");
  expect(await rig.batcher.ask("c")).toEqual({ kind: "full" });
  await turn();
  expect(rig.calls).toEqual([["a", "b"]]);
});

test("a batch without an answer is sent again as it was, until it is answered", async () => {
  const rig = new Rig();
  const asked = rig.batcher.ask("word");
  await turn();
  await rig.fail("unknown");
  await rig.repeated(2);
  await rig.fail("notSent");
  await rig.repeated(3);
  await rig.answer();
  expect(await asked).toEqual({ kind: "answer", answer: 4 });
  expect(rig.calls).toEqual([["word"], ["word"], ["word"]]);
  expect(rig.faults).toEqual(["unknown: scripted", "notSent: scripted"]);
});

for (const [first, then, becomes] of [
  ["unknown", "refused", "undecided"],
  ["unknown", "notSent", "undecided"],
  ["notSent", "notSent", "away"],
] as const) {
  test(`${first}, then ${then} until its time is over: ${becomes}`, async () => {
    const rig = new Rig();
    const asked = rig.batcher.ask("word");
    await turn();
    await rig.fail(first);
    await rig.repeated(2);
    rig.nowMs = 1_000;
    await rig.fail(then);
    expect(await asked).toEqual({ kind: becomes });
  });
}

test("what is refused before anything may have been done is not sent again", async () => {
  const rig = new Rig();
  const asked = rig.batcher.ask("word");
  await turn();
  await rig.fail("refused");
  expect(await asked).toEqual({ kind: "away" });
  expect(rig.calls).toHaveLength(1);
});

test("a batcher that does not repeat asks once, and goes on with the next question", async () => {
  const rig = new Rig({ repeatForMs: 0 });
  const first = rig.batcher.ask("word");
  await turn();
  await rig.fail("unknown");
  expect(await first).toEqual({ kind: "undecided" });
  const second = rig.batcher.ask("next");
  await turn();
  await rig.answer();
  expect(await second).toEqual({ kind: "answer", answer: 4 });
  expect(rig.calls).toEqual([["word"], ["next"]]);
});
