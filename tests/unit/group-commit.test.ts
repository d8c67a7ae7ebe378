import { describe, expect, test } from "bun:test";

import type { Failure } from "../../src/ledger/ledger.ts";
import { GroupCommit } from "../../src/node/selling/group-commit.ts";
import type { PendingRequest } from "../../src/node/selling/pending-request.ts";
import type { Outcome } from "../../src/sale/outcome.ts";
import { ScriptedLedger, turn } from "./support/scripted-ledger.ts";

const batchMax = 4;
const queueMax = 10;

/** A group commit with a ledger that the test scripts and a clock that it sets. */
class Bench {
  readonly ledger = new ScriptedLedger(1_000);
  readonly outcomes = new Map<string, Outcome>();
  readonly faults: Failure[] = [];
  nowMs = 0;
  refreshes = 0;
  soldOutTold = 0;
  readonly commit: GroupCommit;

  constructor() {
    this.commit = new GroupCommit({
      sale: "rush",
      ledger: this.ledger,
      weight: 1,
      buffer: 1_000,
      batchMax,
      queueMax,
      nowMs: () => this.nowMs,
      refresh: () => {
        this.refreshes += 1;
      },
      onSoldOut: () => {
        this.soldOutTold += 1;
      },
      onBatch: () => undefined,
      onFault: (failure) => this.faults.push(failure),
    });
    this.commit.observe(this.ledger);
  }

  get stock() {
    return this.commit.stock;
  }

  submit(key: string, quantity = 1): boolean {
    const request: PendingRequest = {
      key,
      quantity,
      buyer: "",
      token: "0".repeat(16),
      keyIsClients: false,
      answered: false,
      deadlineMs: this.nowMs + 2_000,
      settle: (outcome) => {
        if (this.outcomes.has(key)) {
          throw new Error(`${key} was answered twice`);
        }
        this.outcomes.set(key, outcome);
      },
    };
    return this.commit.submit(request);
  }

  /** The oldest batch is executed and answered. */
  async answer(): Promise<void> {
    expect(this.ledger.answer()).toBe(true);
    await turn();
  }

  /** The oldest batch fails; `executed` says whether it was done all the same. */
  async fail(failure: Failure["kind"], executed = false): Promise<void> {
    expect(this.ledger.fail(failure, executed)).toBe(true);
    await turn();
  }

  kinds(): string[] {
    return [...this.outcomes.values()].map(({ kind }) => kind);
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    this.commit.tick();
    await turn();
  }
}

const keysOf = (batch: readonly { readonly key: string }[]) => batch.map(({ key }) => key);

test("requests of one turn share a batch, and those that come meanwhile form the next", async () => {
  const bench = new Bench();
  for (const key of ["a", "b"]) {
    bench.submit(key);
  }
  await turn();
  for (const key of ["c", "d", "e", "f", "g"]) {
    bench.submit(key);
  }
  await turn();
  expect(bench.ledger.batches.map(keysOf)).toEqual([["a", "b"]]);
  await bench.answer();
  await bench.answer();
  expect(bench.ledger.batches.map(keysOf)).toEqual([["a", "b"], ["c", "d", "e", "f"], ["g"]]);
  expect(bench.kinds()).toEqual(["sold", "sold", "sold", "sold", "sold", "sold"]);
});

test("one batch is under way at a time, whatever happens meanwhile", async () => {
  const bench = new Bench();
  for (let i = 0; i < queueMax; i += 1) {
    bench.submit(`k${i}`);
  }
  await turn();
  bench.commit.observe(bench.ledger);
  bench.commit.resume();
  await bench.pass(1);
  expect(bench.ledger.pending("hold")).toBe(1);
  expect(bench.commit.queued).toBe(queueMax - batchMax);
});

test("a full queue takes nothing more, and takes again when there is room", async () => {
  const bench = new Bench();
  const taken = Array.from({ length: queueMax + 3 }, (_, i) => bench.submit(`k${i}`));
  expect(taken.filter(Boolean)).toHaveLength(queueMax);
  await turn();
  expect(bench.submit("later")).toBe(true);
});

describe("a lost reply", () => {
  for (const executed of [true, false]) {
    test(`the same batch is sent again (${executed ? "was" : "was not"} executed)`, async () => {
      const bench = new Bench();
      bench.submit("a");
      bench.submit("b", 2);
      await turn();
      await bench.fail("unknown", executed);
      bench.submit("c");
      await bench.pass(50);
      await bench.answer();
      await bench.answer();
      expect(bench.ledger.batches.map(keysOf)).toEqual([["a", "b"], ["a", "b"], ["c"]]);
      expect(bench.ledger.batches[1]).toEqual(bench.ledger.batches[0] as never);
      expect(bench.ledger.left).toBe(1_000 - 4);
      expect(bench.kinds()).toEqual(["sold", "sold", "sold"]);
    });
  }

  for (const then of ["refused", "notSent"] as const) {
    test(`what may have been executed is undecided, though the repetition is ${then}`, async () => {
      const bench = new Bench();
      bench.submit("a");
      await turn();
      await bench.fail("unknown", true);
      await bench.pass(50);
      await bench.fail(then);
      expect(bench.outcomes.size).toBe(0);
      await bench.pass(2_000);
      expect(bench.outcomes.get("a")).toEqual({ kind: "undecided", key: "a" });
      expect(bench.stock.outstanding).toBe(0);
      expect(bench.commit.idle).toBe(true);
    });
  }

  test("it is answered by its deadline though the repetition hangs", async () => {
    const bench = new Bench();
    bench.submit("a");
    await turn();
    await bench.fail("unknown", true);
    await bench.pass(50);
    await bench.pass(1_949);
    expect(bench.outcomes.size).toBe(0);
    await bench.pass(1);
    expect(bench.outcomes.get("a")).toEqual({ kind: "undecided", key: "a" });
    // The answer that comes after all changes nothing for the client, and frees the stock.
    await bench.answer();
    expect(bench.stock.outstanding).toBe(0);
    expect(bench.commit.idle).toBe(true);
  });

  test("a new connection does not wait for the pause between two attempts", async () => {
    const bench = new Bench();
    bench.submit("a");
    await turn();
    bench.ledger.disconnect(1);
    await turn();
    expect(bench.ledger.batches).toHaveLength(1);
    bench.ledger.connect();
    bench.commit.resume();
    await turn();
    expect(bench.ledger.batches).toHaveLength(2);
  });
});

test("what was refused or never sent is busy at once, and gives its tickets back", async () => {
  for (const failure of ["refused", "notSent"] as const) {
    const bench = new Bench();
    bench.submit("a", 3);
    await turn();
    await bench.fail(failure);
    expect(bench.outcomes.get("a")?.kind).toBe("busy");
    expect(bench.stock.outstanding).toBe(0);
    expect(bench.commit.idle).toBe(true);
  }
});

test("nothing is sent while the ledger is away, and what waits too long is busy", async () => {
  const bench = new Bench();
  bench.ledger.disconnect();
  bench.submit("a");
  await bench.pass(1_999);
  expect(bench.outcomes.size).toBe(0);
  await bench.pass(1);
  expect(bench.outcomes.get("a")).toEqual({ kind: "busy", reason: "notSentInTime" });
  expect(bench.ledger.batches).toHaveLength(0);
});

test("sold without the durability asked for is undecided", async () => {
  const bench = new Bench();
  bench.ledger.durable = false;
  bench.submit("a");
  await turn();
  await bench.answer();
  expect(bench.outcomes.get("a")).toEqual({ kind: "undecided", key: "a" });
});

test("a refusal says what the sale says, and the last ticket is told", async () => {
  const bench = new Bench();
  bench.ledger.left = 3;
  bench.submit("a", 2);
  bench.submit("b", 2);
  bench.submit("c", 1);
  bench.submit("d", 1);
  await turn();
  await bench.answer();
  expect(bench.kinds()).toEqual(["sold", "fewerLeft", "sold", "soldOut"]);
  expect(bench.soldOutTold).toBe(1);

  bench.ledger.restock(10);
  bench.commit.observe(bench.ledger);
  bench.ledger.state = "paused";
  bench.submit("e");
  await turn();
  await bench.answer();
  expect(bench.outcomes.get("e")).toEqual({ kind: "notOnSale", state: "paused", opensAtMs: 0 });
});

test("a sale that is gone is unknown", async () => {
  const bench = new Bench();
  bench.ledger.missing = true;
  bench.submit("a");
  await turn();
  await bench.answer();
  expect(bench.outcomes.get("a")).toEqual({ kind: "unknownSale" });
  expect(bench.stock.outstanding).toBe(0);
});

test("those who wait for stock ask for one refresh, and go on after it", async () => {
  const bench = new Bench();
  bench.commit.forget();
  bench.submit("a");
  bench.submit("b");
  await turn();
  expect(bench.refreshes).toBe(1);
  expect(bench.ledger.batches).toHaveLength(0);
  bench.commit.observe(bench.ledger);
  expect(bench.ledger.batches.map(keysOf)).toEqual([["a", "b"]]);
});

test("knows the keys that wait and those that are under way, answered or not", async () => {
  const bench = new Bench();
  bench.submit("a");
  expect(bench.commit.has("a")).toBe(true);
  await turn();
  expect(bench.commit.has("a")).toBe(true);
  expect(bench.commit.has("b")).toBe(false);
  await bench.pass(2_000);
  expect(bench.outcomes.get("a")?.kind).toBe("undecided");
  expect(bench.commit.has("a")).toBe(true);
  await bench.answer();
  expect(bench.commit.has("a")).toBe(false);
});

test("the queue that is taken out is not sent", async () => {
  const bench = new Bench();
  bench.submit("a");
  await turn();
  bench.submit("b");
  expect(bench.commit.takeQueue().map(({ key }) => key)).toEqual(["b"]);
  await bench.answer();
  expect(bench.ledger.batches.map(keysOf)).toEqual([["a"]]);
  expect(bench.commit.idle).toBe(true);
});
