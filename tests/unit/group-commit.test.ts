import { describe, expect, test } from "bun:test";

import type { Failure } from "../../src/ledger/ledger.ts";
import { GroupCommit } from "../../src/node/selling/group-commit.ts";
import type { PendingRequest } from "../../src/node/selling/pending-request.ts";
import type { Outcome } from "../../src/sale/outcome.ts";
import { requestHash, secretId } from "../../src/sale/tokens.ts";
import { ScriptedLedger, turn } from "./support/scripted-ledger.ts";

const batchMax = 4;
const queueMax = 10;

interface Given {
  /** Of the request; its name without. */
  readonly key?: string;
  readonly buyer?: string;
  readonly quantity?: number;
}

/** A group commit with a ledger that the test scripts and a clock that it sets. */
class Bench {
  readonly ledger = new ScriptedLedger(1_000);
  readonly outcomes = new Map<string, Outcome>();
  readonly faults: Failure[] = [];
  nowMs = 0;
  refreshes = 0;
  soldOutTold = 0;
  readonly commit: GroupCommit;
  readonly #keys = new Map<string, string>();
  #batches = 0;

  constructor() {
    this.commit = new GroupCommit({
      sale: "rush",
      ledger: this.ledger,
      weight: 1,
      buffer: 1_000,
      batchMax,
      queueMax,
      makeRef: () => `node.${(this.#batches += 1)}`,
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

  /** `name` is what its outcome is found by. */
  submit(name: string, given: Given = {}): boolean {
    const { key = name, buyer = "", quantity = 1 } = given;
    const token = this.ledger.tokenOf(key, buyer);
    this.#keys.set(token, key);
    const request: PendingRequest = {
      key,
      quantity,
      buyer,
      token,
      hash: requestHash(buyer, key),
      secretId: secretId(this.ledger.secret),
      keyIsClients: true,
      answered: false,
      deadlineMs: this.nowMs + 2_000,
      settle: (outcome) => {
        if (this.outcomes.has(name)) {
          throw new Error(`${name} was answered twice`);
        }
        this.outcomes.set(name, outcome);
      },
    };
    return this.commit.submit(request);
  }

  has(key: string): boolean {
    const token = this.ledger.tokenOf(key);
    return this.commit.pendingAmong(new Set([token, "another"])).has(token);
  }

  /** The keys of each batch that was sent. */
  get sent(): (string | undefined)[][] {
    return this.ledger.batches.map(({ requests }) =>
      requests.map(({ token }) => this.#keys.get(token)),
    );
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
  expect(bench.sent).toEqual([["a", "b"]]);
  await bench.answer();
  await bench.answer();
  expect(bench.sent).toEqual([["a", "b"], ["c", "d", "e", "f"], ["g"]]);
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
      bench.submit("b", { quantity: 2 });
      await turn();
      await bench.fail("unknown", executed);
      bench.submit("c");
      await bench.pass(50);
      await bench.answer();
      await bench.answer();
      expect(bench.sent).toEqual([["a", "b"], ["a", "b"], ["c"]]);
      const [first, again, next] = bench.ledger.batches;
      expect(again?.ref).toBe(first?.ref as string);
      expect(again?.secretId).toBe(first?.secretId as string);
      expect(again?.requests).toBe(first?.requests as never);
      expect(next?.ref).not.toBe(first?.ref as string);
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
    bench.submit("a", { quantity: 3 });
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
  bench.submit("a", { quantity: 2 });
  bench.submit("b", { quantity: 2 });
  bench.submit("c", { quantity: 1 });
  bench.submit("d", { quantity: 1 });
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
  expect(bench.sent).toEqual([["a", "b"]]);
});

test("knows the keys that wait and those that are under way, answered or not", async () => {
  const bench = new Bench();
  bench.submit("a");
  expect(bench.has("a")).toBe(true);
  await turn();
  expect(bench.has("a")).toBe(true);
  expect(bench.has("b")).toBe(false);
  await bench.pass(2_000);
  expect(bench.outcomes.get("a")?.kind).toBe("undecided");
  expect(bench.has("a")).toBe(true);
  await bench.answer();
  expect(bench.has("a")).toBe(false);
});

test("the queue that is taken out is not sent", async () => {
  const bench = new Bench();
  bench.submit("a");
  await turn();
  bench.submit("b");
  expect(bench.commit.takeQueue().map(({ key }) => key)).toEqual(["b"]);
  await bench.answer();
  expect(bench.sent).toEqual([["a"]]);
  expect(bench.commit.idle).toBe(true);
});

describe("requests with the same token", () => {
  test("are one place of a batch, and each gets the one order", async () => {
    const bench = new Bench();
    bench.submit("first", { key: "mine", buyer: "ann", quantity: 2 });
    bench.submit("other");
    bench.submit("again", { key: "mine", buyer: "ann", quantity: 2 });
    await turn();
    expect(bench.sent).toEqual([["mine", "other"]]);
    expect(bench.stock.outstanding).toBe(3);
    await bench.answer();
    expect(bench.outcomes.get("first")).toMatchObject({ kind: "sold", serial: 1, quantity: 2 });
    expect(bench.outcomes.get("again")).toEqual(bench.outcomes.get("first") as Outcome);
    expect(bench.stock.outstanding).toBe(0);
    expect(bench.ledger.left).toBe(1_000 - 3);
    expect(bench.commit.idle).toBe(true);
  });

  test("another buyer's same key is another request", async () => {
    const bench = new Bench();
    bench.submit("ann's", { key: "1", buyer: "ann" });
    bench.submit("bob's", { key: "1", buyer: "bob" });
    bench.submit("nobody's", { key: "1" });
    await turn();
    await bench.answer();
    expect(bench.sent).toEqual([["1", "1", "1"]]);
    const orders = [...bench.outcomes.values()].map((outcome) =>
      outcome.kind === "sold" ? outcome.order : outcome.kind,
    );
    expect(new Set(orders).size).toBe(3);
  });

  test("each is answered by its own deadline, and the last one still gets the order", async () => {
    const bench = new Bench();
    bench.commit.forget();
    bench.submit("first", { key: "mine" });
    await bench.pass(500);
    bench.submit("again", { key: "mine" });
    await turn();
    bench.commit.observe(bench.ledger);
    await turn();
    expect(bench.sent).toEqual([["mine"]]);
    await bench.pass(1_500);
    expect(bench.outcomes.get("first")).toEqual({ kind: "undecided", key: "mine" });
    expect(bench.outcomes.has("again")).toBe(false);
    // For as long as one of them waits the batch is sent again, as it was.
    await bench.fail("unknown", true);
    await bench.pass(50);
    await bench.answer();
    expect(bench.sent).toEqual([["mine"], ["mine"]]);
    expect(bench.outcomes.get("again")).toMatchObject({ kind: "sold" });
    expect(bench.stock.outstanding).toBe(0);
  });

  test("are all undecided where nobody learns it in time, and the tickets are given back once", async () => {
    const bench = new Bench();
    bench.submit("first", { key: "mine" });
    bench.submit("again", { key: "mine" });
    await turn();
    await bench.fail("unknown");
    await bench.pass(2_000);
    expect(bench.kinds()).toEqual(["undecided", "undecided"]);
    expect(bench.stock.outstanding).toBe(0);
    expect(bench.commit.idle).toBe(true);
  });

  test("are all busy where the batch was refused", async () => {
    const bench = new Bench();
    bench.submit("first", { key: "mine" });
    bench.submit("again", { key: "mine" });
    await turn();
    await bench.fail("refused");
    expect(bench.kinds()).toEqual(["busy", "busy"]);
    expect(bench.stock.outstanding).toBe(0);
  });

  test("that come while the first is under way are sent by themselves, and get its order", async () => {
    const bench = new Bench();
    bench.submit("first", { key: "mine" });
    await turn();
    bench.submit("again", { key: "mine" });
    await turn();
    await bench.fail("unknown", false);
    await bench.answer();
    await bench.pass(50);
    await bench.answer();
    expect(bench.sent).toEqual([["mine"], ["mine"], ["mine"]]);
    expect(bench.outcomes.get("first")).toEqual(bench.outcomes.get("again") as Outcome);
    expect(bench.ledger.left).toBe(1_000 - 1);
  });

  test("who asks for fewer is not told that more were too many: busy, and sold when asked again", async () => {
    for (const [kind, limit, left] of [
      ["fewerLeft", 0, 2],
      ["limitReached", 2, 1_000],
    ] as const) {
      const bench = new Bench();
      Object.assign(bench.ledger, { limit, left });
      bench.submit("three", { key: "mine", buyer: "ann", quantity: 3 });
      bench.submit("two", { key: "mine", buyer: "ann", quantity: 2 });
      bench.submit("four", { key: "mine", buyer: "ann", quantity: 4 });
      await turn();
      await bench.answer();
      expect(bench.kinds()).toEqual([kind, "busy", kind]);
      bench.submit("two again", { key: "mine", buyer: "ann", quantity: 2 });
      await turn();
      await bench.answer();
      expect(bench.outcomes.get("two again")).toMatchObject({ kind: "sold", quantity: 2 });
      expect(bench.stock.outstanding).toBe(0);
    }
  });

  test("count as requests of the batch, so that one key fills no more batches than many", async () => {
    const bench = new Bench();
    for (let i = 0; i < queueMax - 1; i += 1) {
      bench.submit(`mine ${i}`, { key: "mine" });
    }
    bench.submit("other");
    await turn();
    await bench.answer();
    await bench.answer();
    await bench.answer();
    expect(bench.sent).toEqual([["mine"], ["mine"], ["mine", "other"]]);
    expect(new Set(bench.kinds())).toEqual(new Set(["sold"]));
    expect(bench.outcomes.size).toBe(queueMax);
    expect(bench.ledger.left).toBe(1_000 - 2);
  });
});

describe("a sale that is made anew while requests wait", () => {
  test("no batch has tokens of two secrets, and those of the old one are busy", async () => {
    const bench = new Bench();
    bench.submit("under way");
    await turn();
    bench.submit("old");
    bench.ledger.makeAnew(5, "n");
    bench.submit("new");
    await turn();
    await bench.answer();
    await bench.answer();
    await bench.answer();
    expect(bench.sent).toEqual([["under way"], ["old"], ["new"]]);
    const [first, second, third] = bench.ledger.batches.map((batch) => batch.secretId);
    expect(second).toBe(first as string);
    expect(third).not.toBe(first as string);
    expect(bench.kinds()).toEqual(["busy", "busy", "sold"]);
    expect(bench.ledger.left).toBe(4);
    expect(bench.stock.outstanding).toBe(0);
  });

  test("what may have been sold before is undecided, never failed", async () => {
    const bench = new Bench();
    bench.submit("mine");
    await turn();
    await bench.fail("unknown", true);
    bench.ledger.makeAnew(5, "n");
    await bench.pass(50);
    await bench.answer();
    expect(bench.outcomes.size).toBe(0);
    await bench.pass(1_950);
    expect(bench.outcomes.get("mine")).toEqual({ kind: "undecided", key: "mine" });
    expect(bench.commit.idle).toBe(true);
    expect(bench.stock.outstanding).toBe(0);
  });
});
