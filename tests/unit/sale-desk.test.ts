import { describe, expect, test } from "bun:test";

import { SaleDesk, type SaleDeskOptions } from "../../src/node/selling/sale-desk.ts";
import type { Outcome } from "../../src/sale/outcome.ts";
import { type CallKind, ScriptedLedger, turn } from "./support/scripted-ledger.ts";

const soldOut: Outcome = { kind: "soldOut" };
const away: Outcome = { kind: "busy", reason: "ledgerAway" };
const everything: readonly CallKind[] = ["hold", "read", "lookup", "soldOrders"];

type Reading = Awaited<ReturnType<SaleDeskOptions["readSale"]>>;

/** A desk with a ledger that the test scripts; heartbeats happen when the test says so. */
class Counter {
  readonly ledger: ScriptedLedger;
  readonly desk: SaleDesk;
  nowMs = 0;
  /** How often the desk told that requests wait. */
  told = 0;
  #made = 0;
  #batches = 0;

  constructor(left: number, options: Partial<SaleDeskOptions> = {}) {
    this.ledger = new ScriptedLedger(left);
    this.desk = new SaleDesk("rush", {
      ledger: this.ledger,
      readSale: async (sale) => (await this.ledger.readSales([sale]))[0] as Reading,
      heartbeatMs: 200,
      weight: 1,
      buffer: 10,
      batchMax: 10,
      queueMax: 10,
      deadlineMs: 2_000,
      soldOrdersMax: 100,
      nowMs: () => this.nowMs,
      makeKey: () => `made-${(this.#made += 1)}`,
      makeRef: () => `node.${(this.#batches += 1)}`,
      onWaiting: () => (this.told += 1),
      onBatch: () => undefined,
      onFault: () => undefined,
      ...options,
    });
    this.ledger.onConnection((ready) => {
      this.desk.connectionChanged(ready);
      if (ready) {
        this.beat();
      }
    });
  }

  /** A desk that has had its first heartbeat. */
  static async open(left: number, options?: Partial<SaleDeskOptions>): Promise<Counter> {
    const counter = new Counter(left, options);
    await counter.heartbeat();
    return counter;
  }

  /** A desk that is sold out and has read the sold keys; its ledger answers by itself. */
  static async soldOut(options?: Partial<SaleDeskOptions>): Promise<Counter> {
    const counter = new Counter(1, options);
    counter.automatic();
    await counter.heartbeat();
    expect(await counter.buy("first")).toMatchObject({ kind: "sold" });
    await counter.heartbeat();
    await counter.heartbeat();
    expect(counter.desk.latched).toBe(true);
    return counter;
  }

  automatic(): void {
    for (const kind of everything) {
      this.ledger.automatic.add(kind);
    }
  }

  /** The node's heartbeat was answered. */
  beat(): void {
    const { nowMs, changed, livingWeight } = this.ledger;
    this.desk.beat({ nowMs, changed, livingWeight, livingNodes: 1 });
  }

  /** A heartbeat that reports a change, and the reading that follows. */
  async heartbeat(): Promise<void> {
    this.ledger.changed += 1;
    this.beat();
    this.ledger.answer("read");
    await turn();
  }

  async answer(kind: CallKind): Promise<void> {
    expect(this.ledger.answer(kind)).toBe(true);
    await turn();
  }

  buy(key: string | null = null, quantity = 1, buyer = ""): Outcome | Promise<Outcome> {
    return this.desk.buy({ key, buyer, quantity });
  }

  get calls(): Readonly<Record<CallKind, number>> {
    return { ...this.ledger.calls };
  }
}

describe("the latch", () => {
  test("after the last ticket the answer comes at once and without any call", async () => {
    const counter = await Counter.soldOut();
    const before = counter.calls;
    for (let i = 0; i < 100; i += 1) {
      // Not a promise: the handler stays synchronous.
      expect(counter.buy()).toEqual(soldOut);
    }
    await turn();
    expect(counter.calls).toEqual(before);
  });

  test("it closes with the reply that took the last ticket, before any heartbeat", async () => {
    const counter = await Counter.open(1);
    const sold = counter.buy();
    await turn();
    await counter.answer("hold");
    expect(await sold).toMatchObject({ kind: "sold" });
    expect(counter.buy()).toEqual(soldOut);
  });

  test("a heartbeat with a new epoch opens it", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.restock(1);
    await counter.heartbeat();
    expect(counter.desk.latched).toBe(false);
    expect(await counter.buy()).toMatchObject({ kind: "sold" });
    expect(counter.buy()).toEqual(soldOut);
  });

  test("it never closes while tickets are left, though the local stock is used up", async () => {
    const counter = await Counter.open(100, { buffer: 0, batchMax: 1 });
    counter.ledger.livingWeight = 100;
    await counter.heartbeat();
    expect(counter.desk.localStock).toBe(1);
    counter.automatic();
    const bought = Array.from({ length: 10 }, () => counter.buy());
    const outcomes = await Promise.all(bought);
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(10).fill("sold"));
  });

  test("those who wait for stock share one reading", async () => {
    const counter = await Counter.open(100);
    counter.ledger.automatic.add("hold");
    counter.ledger.disconnect();
    counter.ledger.connect();
    const before = counter.calls.read;
    const bought = [counter.buy(), counter.buy(), counter.buy("mine")];
    await turn();
    expect(counter.calls.read).toBe(before);
    await counter.answer("read");
    const outcomes = await Promise.all(bought);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["sold", "sold", "sold"]);
    expect(counter.calls.read).toBe(before);
  });
});

describe("those who wait when the last ticket goes", () => {
  test("are told sold out, but for keys that were sold by another node", async () => {
    const counter = await Counter.open(2, { batchMax: 1 });
    const theirs = counter.ledger.sellElsewhere("theirs");
    const first = counter.buy();
    await turn();
    const [keyless, sold, unsold] = [counter.buy(), counter.buy("theirs"), counter.buy("mine")];
    await counter.answer("hold");
    expect(await first).toMatchObject({ kind: "sold" });
    expect(await keyless).toEqual(soldOut);
    await counter.answer("lookup");
    expect(await sold).toMatchObject({ kind: "sold", order: theirs });
    expect(await unsold).toEqual(soldOut);
    expect(counter.calls.hold).toBe(1);
  });

  test("are sold to if stock comes back while their keys are looked up", async () => {
    const counter = await Counter.open(1, { batchMax: 1 });
    const first = counter.buy();
    await turn();
    const waiting = counter.buy("mine");
    await counter.answer("hold");
    expect(await first).toMatchObject({ kind: "sold" });
    counter.ledger.restock(1);
    await counter.heartbeat();
    await counter.answer("lookup");
    await counter.answer("hold");
    expect(await waiting).toMatchObject({ kind: "sold" });
  });
});

describe("keys after the last ticket", () => {
  test("a key that was sold elsewhere gets its order, one that was not costs no call", async () => {
    const counter = await Counter.soldOut();
    const order = counter.ledger.orderOf("first") as string;
    expect(await counter.buy("first")).toMatchObject({ kind: "sold", order });
    const before = counter.calls;
    expect(counter.buy("never")).toEqual(soldOut);
    expect(counter.calls).toEqual(before);
  });

  test("the sold keys are read once, after a whole heartbeat of being sold out", async () => {
    const counter = new Counter(1);
    counter.automatic();
    await counter.heartbeat();
    await counter.buy("first");
    const { read } = counter.calls;
    counter.beat();
    await turn();
    expect(counter.calls.soldOrders).toBe(0);
    for (let i = 0; i < 5; i += 1) {
      counter.beat();
      await turn();
    }
    expect(counter.calls).toMatchObject({ soldOrders: 1, read });
  });

  test("with more sold keys than may be kept, every key is looked up", async () => {
    const counter = await Counter.soldOut({ soldOrdersMax: 0 });
    const before = counter.calls.lookup;
    expect(await counter.buy("never")).toEqual(soldOut);
    expect(counter.calls.lookup).toBe(before + 1);
  });

  test("keys that were sold in a later epoch are not answered from an earlier one's", async () => {
    const counter = await Counter.soldOut();
    // Between two heartbeats stock comes back and another node sells it.
    counter.ledger.restock(1);
    const order = counter.ledger.sellElsewhere("late");
    await counter.heartbeat();
    expect(counter.desk.latched).toBe(true);
    expect(await counter.buy("late")).toMatchObject({ kind: "sold", order });
  });

  test("sold keys that were read while stock came back and went are not all", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.automatic.delete("soldOrders");
    counter.ledger.disconnect();
    counter.ledger.connect();
    await turn();
    await counter.heartbeat();
    await counter.heartbeat();
    expect(counter.ledger.pending("soldOrders")).toBe(1);
    await counter.answer("soldOrders");
    counter.ledger.restock(1);
    const order = counter.ledger.sellElsewhere("late");
    await counter.heartbeat();
    expect(await counter.buy("late")).toMatchObject({ kind: "sold", order });
  });

  test("a key whose own batch is under way here is undecided, not sold out", async () => {
    const counter = await Counter.open(10);
    const first = counter.buy("mine");
    await turn();
    // The batch hangs; meanwhile the others sell everything.
    counter.ledger.left = 0;
    counter.ledger.epoch += 1;
    await counter.heartbeat();
    const again = counter.buy("mine");
    await turn();
    await counter.answer("lookup");
    expect(await again).toEqual({ kind: "undecided", key: "mine" });
    await counter.answer("hold");
    expect(await first).toEqual(soldOut);
  });

  test("a found order that is not durable yet is undecided", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.durable = false;
    expect(await counter.buy("first")).toEqual({ kind: "undecided", key: "first" });
  });
});

describe("a sale that is not open", () => {
  test("refuses from memory, but gives a key the order that it has", async () => {
    const counter = await Counter.open(10);
    const order = counter.ledger.sellElsewhere("theirs");
    counter.ledger.state = "paused";
    await counter.heartbeat();
    const refused: Outcome = { kind: "notOnSale", state: "paused", opensAtMs: 0 };
    expect(counter.buy()).toEqual(refused);
    const [theirs, mine] = [counter.buy("theirs"), counter.buy("mine")];
    await turn();
    await counter.answer("lookup");
    expect(await theirs).toMatchObject({ kind: "sold", order });
    expect(await mine).toEqual(refused);
    expect(counter.calls.hold).toBe(0);
  });

  test("sells as soon as a heartbeat says that it is open", async () => {
    const counter = await Counter.open(10);
    counter.automatic();
    counter.ledger.state = "paused";
    await counter.heartbeat();
    counter.ledger.state = "open";
    await counter.heartbeat();
    expect(await counter.buy()).toMatchObject({ kind: "sold" });
  });

  test("is paused after the last ticket: not on sale rather than sold out", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.state = "paused";
    await counter.heartbeat();
    expect(counter.buy()).toMatchObject({ kind: "notOnSale", state: "paused" });
  });
});

describe("a ledger that is away", () => {
  test("what was known is forgotten: busy, never sold out", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.disconnect();
    expect(counter.desk.latched).toBe(false);
    expect(await counter.buy()).toEqual(away);
    expect(await counter.buy("first")).toEqual(away);
  });

  test("comes back with stock that was not there before: it is sold", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.disconnect();
    // The same epoch: a ledger that went back to an older copy of itself.
    counter.ledger.left = 1;
    counter.ledger.connect();
    await turn();
    expect(await counter.buy()).toMatchObject({ kind: "sold" });
  });

  test("refuses to tell of the sale: busy, and sold out again once it does not", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.automatic.delete("read");
    const underWay = counter.desk.refresh();
    counter.ledger.fail("refused");
    await underWay;
    const bought = counter.buy();
    counter.ledger.fail("refused");
    expect(await bought).toEqual(away);
    counter.automatic();
    counter.beat();
    await turn();
    expect(counter.buy()).toEqual(soldOut);
  });

  test("refuses heartbeats: nothing is known, and all is once it does not", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.automatic.delete("read");
    counter.desk.beatFailed();
    expect(counter.desk.view.kind).toBe("unknown");
    const bought = counter.buy();
    counter.ledger.fail("refused");
    expect(await bought).toEqual(away);
    counter.automatic();
    counter.beat();
    await turn();
    expect(counter.buy()).toEqual(soldOut);
  });

  test("loses a batch: the key can be asked for, and is undecided until it is decided", async () => {
    const counter = await Counter.open(10);
    const bought = counter.buy("mine");
    await turn();
    counter.ledger.disconnect(1);
    counter.ledger.connect();
    await turn();
    counter.nowMs += 2_000;
    counter.desk.tick();
    expect(await bought).toEqual({ kind: "undecided", key: "mine" });
    counter.automatic();
    expect(await counter.desk.requestStatus("", "mine")).toMatchObject({ kind: "sold" });
    expect(await counter.desk.requestStatus("", "other")).toEqual({ kind: "absent" });
  });

  test("cannot say what became of a key: busy", async () => {
    const counter = await Counter.open(10);
    counter.ledger.disconnect();
    expect(await counter.desk.requestStatus("", "mine")).toEqual(away);
  });
});

describe("a key belongs to its buyer", () => {
  test("another buyer's same key is another purchase, and finds no order of the first", async () => {
    const counter = await Counter.open(10);
    counter.automatic();
    const anns = await counter.buy("1", 1, "ann");
    expect(await counter.buy("1", 1, "ann")).toEqual(anns);
    const bobs = await counter.buy("1", 1, "bob");
    const [first, second] = [anns, bobs].map((outcome) => "order" in outcome && outcome.order);
    expect(first).toBeString();
    expect(second).toBeString();
    expect(second).not.toBe(first as string);
    for (const [buyer, kind] of [
      ["ann", "sold"],
      ["bob", "sold"],
      ["eve", "absent"],
      ["", "absent"],
    ] as const) {
      expect((await counter.desk.requestStatus(buyer, "1")).kind).toBe(kind);
    }
  });

  test("after the last ticket it is no less another's", async () => {
    const counter = new Counter(1);
    counter.automatic();
    await counter.heartbeat();
    const sold = await counter.buy("1", 1, "ann");
    await counter.heartbeat();
    await counter.heartbeat();
    expect(await counter.buy("1", 1, "ann")).toEqual(sold);
    const before = counter.calls;
    expect(counter.buy("1", 1, "bob")).toEqual(soldOut);
    expect(counter.buy("1")).toEqual(soldOut);
    expect(counter.calls).toEqual(before);
  });

  test("the same purchase twice in one turn takes one ticket, whoever made up its key", async () => {
    const counter = await Counter.open(10);
    counter.automatic();
    const id = "0123456789abcdef0123456789abcdef";
    const purchase = { key: null, buyer: "ann", quantity: 1, requestId: id };
    const [first, again, withKey] = await Promise.all([
      counter.desk.buy(purchase),
      counter.desk.buy(purchase),
      counter.buy(id, 1, "ann"),
    ]);
    expect(first).toMatchObject({ kind: "sold" });
    expect(again).toEqual(first);
    expect(withKey).toEqual(first);
    expect(counter.ledger.left).toBe(9);
    expect(counter.calls.hold).toBe(1);
  });
});

describe("a sale that was made anew under its id", () => {
  test("is sold by its own secret as soon as a heartbeat reports it", async () => {
    const counter = await Counter.open(10);
    counter.automatic();
    const before = await counter.buy("mine", 1, "ann");
    counter.ledger.makeAnew(5, "n");
    // The tokens of the sale that is gone are refused: nothing was sold, try again.
    expect(await counter.buy("mine", 1, "ann")).toEqual({ kind: "busy", reason: "ledgerRefused" });
    expect(await counter.desk.requestStatus("ann", "mine")).toEqual(away);
    await counter.heartbeat();
    expect(await counter.desk.requestStatus("ann", "mine")).toEqual({ kind: "absent" });
    const after = await counter.buy("mine", 1, "ann");
    expect(after).toMatchObject({ kind: "sold", serial: 1 });
    expect(after).not.toEqual(before);
    expect(after).toMatchObject({ order: counter.ledger.orderOf("mine", "ann") as string });
  });

  test("what waited with the old secret is not sold with the new one's name", async () => {
    const counter = await Counter.open(10, { batchMax: 1 });
    const first = counter.buy("first");
    await turn();
    const waiting = counter.buy("mine");
    counter.ledger.makeAnew(5, "n");
    await counter.heartbeat();
    const again = counter.buy("mine");
    await counter.answer("hold");
    await counter.answer("hold");
    await counter.answer("hold");
    for (const one of [first, waiting]) {
      expect(await one).toEqual({ kind: "busy", reason: "ledgerRefused" });
    }
    const order = counter.ledger.orderOf("mine") as string;
    expect(await again).toMatchObject({ kind: "sold", order });
    expect(counter.ledger.sold.size).toBe(1);
  });

  test("is not taken for the sold-out one, also if the ledger's clock was set back", async () => {
    const counter = await Counter.soldOut();
    counter.ledger.makeAnew(5, "n");
    counter.ledger.epoch -= 1_000_000;
    await counter.heartbeat();
    expect(counter.desk.latched).toBe(false);
    expect(counter.desk.isUnsold("", "mine")).toBe(false);
    const order = (await counter.buy("mine")) as { order: string };
    expect(order).toMatchObject({ kind: "sold", serial: 1 });
    expect(await counter.buy("mine")).toMatchObject({ order: order.order });
  });

  test("a key that waits for its look-up is looked up by the secret that counts then", async () => {
    const counter = await Counter.open(10);
    const ahead = counter.desk.requestStatus("", "ahead");
    await turn();
    const asked = counter.desk.requestStatus("", "mine");
    counter.ledger.makeAnew(5, "n");
    const order = counter.ledger.sellElsewhere("mine");
    await counter.heartbeat();
    await counter.answer("lookup");
    expect(await ahead).toEqual(away);
    await counter.answer("lookup");
    expect(await asked).toMatchObject({ kind: "sold", order: { serial: 1 } });
    expect(counter.ledger.orderOf("mine")).toBe(order);
  });
});

describe("what became of a request of a sale of which nothing is known yet", () => {
  test("it is asked for after the sale, which all who ask share", async () => {
    const counter = new Counter(10);
    counter.ledger.automatic.add("lookup");
    counter.ledger.sellElsewhere("mine", 1, "ann");
    const asked = [
      counter.desk.requestStatus("ann", "mine"),
      counter.desk.requestStatus("bob", "mine"),
    ];
    await turn();
    expect(counter.calls).toMatchObject({ read: 1, lookup: 0 });
    await counter.answer("read");
    expect((await Promise.all(asked)).map(({ kind }) => kind)).toEqual(["sold", "absent"]);
    expect(counter.calls).toMatchObject({ read: 1, lookup: 1 });
  });

  test("a sale that does not exist has no orders", async () => {
    const counter = new Counter(10);
    counter.automatic();
    counter.ledger.missing = true;
    expect(await counter.desk.requestStatus("", "mine")).toEqual({ kind: "absent" });
    expect(counter.calls.lookup).toBe(0);
  });

  test("busy where the ledger is away, or does not answer", async () => {
    const counter = new Counter(10);
    counter.ledger.ready = false;
    expect(await counter.desk.requestStatus("", "mine")).toEqual(away);
    counter.ledger.ready = true;
    const asked = counter.desk.requestStatus("", "mine");
    counter.ledger.fail("unknown");
    expect(await asked).toEqual(away);
  });

  test("beyond as many as may wait, with those who buy, it is busy at once", async () => {
    const counter = new Counter(10, { queueMax: 2 });
    const [asked, bought] = [counter.desk.requestStatus("", "mine"), counter.buy("other")];
    const third = await counter.desk.requestStatus("", "third");
    expect(third).toEqual({ kind: "busy", reason: "queueFull" });
    counter.automatic();
    counter.ledger.answer("read");
    expect(await asked).toEqual({ kind: "absent" });
    expect(await bought).toMatchObject({ kind: "sold" });
  });
});

test("a sale that does not exist is unknown, until it does", async () => {
  const counter = new Counter(10);
  counter.automatic();
  counter.ledger.missing = true;
  expect(await counter.buy()).toEqual({ kind: "unknownSale" });
  expect(counter.desk.view.kind).toBe("missing");
  counter.ledger.missing = false;
  expect(await counter.buy()).toMatchObject({ kind: "sold" });
});

test("what is known of a sale follows the newest event", async () => {
  const counter = new Counter(10);
  const { desk, ledger } = counter;
  expect(desk.view.kind).toBe("unknown");
  await counter.heartbeat();
  expect(desk.view.kind).toBe("known");
  ledger.missing = true;
  await counter.heartbeat();
  expect(desk.view.kind).toBe("missing");
  const unanswered = desk.refresh();
  ledger.fail("unknown");
  await unanswered;
  expect(desk.view.kind).toBe("unknown");
  ledger.missing = false;
  await counter.heartbeat();
  expect(desk.snapshot?.left).toBe(10);
  ledger.disconnect();
  expect(desk.view.kind).toBe("unknown");
});

test("those who wait are told when another's order tells that nothing is left", async () => {
  const counter = await Counter.open(2, { batchMax: 1 });
  const first = counter.buy();
  await turn();
  const waiting = counter.buy();
  counter.ledger.sellElsewhere("theirs");
  counter.ledger.sellElsewhere("others");
  const noOrder = { serial: 9, token: "0".repeat(22) };
  expect(await counter.desk.orders.cancel(noOrder)).toEqual({ kind: "unknownOrder" });
  expect(await waiting).toEqual(soldOut);
  await counter.answer("hold");
  expect(await first).toEqual(soldOut);
});

test("a sale with a limit asks for the buyer before it asks the ledger", async () => {
  const counter = await Counter.open(10);
  counter.ledger.limit = 1;
  await counter.heartbeat();
  expect(counter.buy()).toEqual({ kind: "buyerMissing" });
  counter.automatic();
  expect(await counter.buy(null, 1, "ann")).toMatchObject({ kind: "sold" });
});

test("beyond the queue it is busy at once", async () => {
  const counter = await Counter.open(100, { queueMax: 2, batchMax: 1 });
  const waiting = [counter.buy(), counter.buy()];
  expect(await counter.buy()).toEqual({ kind: "busy", reason: "queueFull" });
  counter.automatic();
  await turn();
  counter.ledger.answer("hold");
  expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(["sold", "sold"]);
});

test("beyond the queue those who wait for the first reading are told busy at once", async () => {
  const counter = new Counter(100, { queueMax: 2 });
  const waiting = [counter.buy(), counter.buy()];
  expect(await counter.buy()).toEqual({ kind: "busy", reason: "queueFull" });
  counter.automatic();
  counter.ledger.answer("read");
  expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(["sold", "sold"]);
});

test("a request that is looked up first and queued again keeps its deadline", async () => {
  const counter = await Counter.open(1, { batchMax: 1 });
  const first = counter.buy();
  await turn();
  const waiting = counter.buy("mine");
  await counter.answer("hold");
  expect(await first).toMatchObject({ kind: "sold" });
  counter.nowMs = 1_500;
  counter.ledger.restock(1);
  await counter.heartbeat();
  await counter.answer("lookup");
  counter.nowMs = 2_000;
  counter.desk.tick();
  expect(await waiting).toEqual({ kind: "undecided", key: "mine" });
});

describe("a sale is read", () => {
  test("once, and not again for as long as heartbeats report no change", async () => {
    const counter = await Counter.open(10);
    const { read } = counter.calls;
    for (let i = 0; i < 10; i += 1) {
      counter.beat();
      await turn();
    }
    expect(counter.calls.read).toBe(read);
    await counter.heartbeat();
    expect(counter.calls.read).toBe(read + 1);
  });

  test("once more where a heartbeat reports a change while it is being read", async () => {
    const counter = await Counter.open(10);
    counter.ledger.changed += 1;
    counter.beat();
    counter.ledger.changed += 1;
    counter.beat();
    counter.beat();
    counter.ledger.answer("read");
    counter.ledger.state = "paused";
    await turn();
    counter.ledger.answer("read");
    await turn();
    expect(counter.buy()).toMatchObject({ kind: "notOnSale", state: "paused" });
    expect(counter.ledger.pending("read")).toBe(0);
  });

  test("at the first heartbeat of each connection, whatever its counter", async () => {
    const counter = await Counter.open(10);
    for (let connections = 1; connections <= 3; connections += 1) {
      counter.ledger.disconnect();
      expect(counter.ledger.pending("read")).toBe(0);
      counter.ledger.connect();
      await counter.answer("read");
      expect(counter.desk.view.kind).toBe("known");
    }
  });

  test("when its opening time has come by the ledger's clock, and then no more", async () => {
    const counter = new Counter(10);
    counter.automatic();
    Object.assign(counter.ledger, { state: "scheduled", opensAtMs: 1_000, nowMs: 999 });
    await counter.heartbeat();
    const { read } = counter.calls;
    counter.beat();
    expect(counter.buy()).toMatchObject({ kind: "notOnSale", state: "scheduled" });
    expect(counter.calls.read).toBe(read);
    counter.ledger.nowMs = 1_000;
    counter.beat();
    await turn();
    expect(await counter.buy()).toMatchObject({ kind: "sold" });
    counter.beat();
    await turn();
    expect(counter.calls.read).toBe(read + 1);
  });

  test("for whoever looks at it, unless that is known for less than a heartbeat", async () => {
    const counter = await Counter.open(10);
    const { read } = counter.calls;
    await counter.desk.freshen();
    counter.nowMs += 199;
    await counter.desk.freshen();
    expect(counter.calls.read).toBe(read);
    counter.nowMs += 1;
    counter.ledger.left = 7;
    const looks = Promise.all([counter.desk.freshen(), counter.desk.freshen()]);
    await counter.answer("read");
    await looks;
    expect(counter.calls.read).toBe(read + 1);
    expect(counter.desk.snapshot?.left).toBe(7);
  });
});

test("the weight of a node that died goes to the others without a reading", async () => {
  const counter = await Counter.open(100, { buffer: 0, batchMax: 100, queueMax: 200 });
  counter.ledger.livingWeight = 10;
  await counter.heartbeat();
  expect(counter.desk.localStock).toBe(10);
  counter.ledger.livingWeight = 1;
  counter.beat();
  const { read } = counter.calls;
  const first = counter.buy();
  await turn();
  await counter.answer("hold");
  expect(await first).toMatchObject({ kind: "sold" });
  expect(counter.desk.localStock).toBe(99);
  expect(counter.calls.read).toBe(read);
});

test("the node is told that a request waits, and not of one that is answered at once", async () => {
  const counter = await Counter.open(1, { queueMax: 1 });
  expect(counter.told).toBe(0);
  const sold = counter.buy();
  expect(counter.told).toBe(1);
  expect(await counter.buy()).toEqual({ kind: "busy", reason: "queueFull" });
  expect(counter.told).toBe(1);
  await turn();
  await counter.answer("hold");
  expect(await sold).toMatchObject({ kind: "sold" });
  expect(counter.buy()).toEqual(soldOut);
  expect(counter.told).toBe(1);
});

test("an order is found by its token and its serial, and beyond the queue it is busy at once", async () => {
  const counter = await Counter.open(10, { queueMax: 2 });
  const { ledger, desk } = counter;
  ledger.sellElsewhere("mine");
  const order = { serial: 1, token: ledger.tokenOf("mine") };
  const found = [desk.orders.read(order), desk.orders.read({ ...order, serial: 2 })];
  expect(await desk.orders.read(order)).toBe("busy");
  await counter.answer("readOrder");
  await counter.answer("readOrder");
  expect(await found[0]).toMatchObject(order);
  expect(await found[1]).toBeNull();
  const after = desk.orders.read(order);
  await counter.answer("readOrder");
  expect(await after).toMatchObject(order);
});
