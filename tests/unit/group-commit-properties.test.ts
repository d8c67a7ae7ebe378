import { expect, setDefaultTimeout, test } from "bun:test";

import fc from "fast-check";

import type { HoldRequest } from "../../src/ledger/ledger.ts";
import { GroupCommit } from "../../src/node/selling/group-commit.ts";
import type { PendingRequest } from "../../src/node/selling/pending-request.ts";
import type { StockView } from "../../src/sale/local-stock.ts";
import type { Outcome } from "../../src/sale/outcome.ts";
import { ScriptedLedger, turn } from "./support/scripted-ledger.ts";

setDefaultTimeout(60_000);

type Step =
  | { readonly do: "submit"; readonly quantity: number }
  | { readonly do: "pass"; readonly ms: number }
  | {
      readonly do: "fail";
      readonly how: "unknown" | "refused" | "notSent";
      readonly executed: boolean;
    }
  | { readonly do: "disconnect"; readonly executed: number }
  | { readonly do: "restock"; readonly tickets: number }
  | { readonly do: "answer" | "connect" | "heartbeat" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      quantity: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.integer({ min: 0, max: 900 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      how: fc.constantFrom("unknown" as const, "refused" as const, "notSent" as const),
      executed: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("disconnect" as const),
      executed: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("restock" as const),
      tickets: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("answer" as const, "connect" as const, "heartbeat" as const),
    }),
  },
);

const scenario = fc.record({
  left: fc.integer({ min: 0, max: 30 }),
  buffer: fc.integer({ min: 0, max: 10 }),
  batchMax: fc.integer({ min: 1, max: 4 }),
  queueMax: fc.integer({ min: 1, max: 8 }),
  steps: fc.array(step, { maxLength: 60, size: "max" }),
  /** Whether the ledger is there at the end. */
  connected: fc.boolean(),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const deadlineMs = 2_000;
const sameKeys = (one: readonly HoldRequest[], other: readonly HoldRequest[]) =>
  one.length === other.length && one.every(({ key }, i) => key === other[i]?.key);

/** Runs a scenario and looks after every step at what must always hold. */
class Model {
  readonly #ledger: ScriptedLedger;
  readonly #stock: StockView;
  readonly #commit: GroupCommit;
  readonly #scenario: Scenario;
  readonly #requests: PendingRequest[] = [];
  readonly #outcomes = new Map<string, Outcome>();
  /** The batch in which a request was first sent. */
  readonly #batchOf = new Map<string, readonly HoldRequest[]>();
  /** Requests of a batch whose reply was lost at least once. */
  readonly #unknown = new Set<string>();
  /** What answers came wrong; they come where nobody catches what is thrown. */
  readonly #wrong: string[] = [];
  #everSoldOut: boolean;
  #seenBatches = 0;
  #nowMs = 0;

  constructor(given: Scenario) {
    this.#scenario = given;
    this.#ledger = new ScriptedLedger(given.left);
    this.#everSoldOut = given.left === 0;
    this.#commit = new GroupCommit({
      ...given,
      sale: "rush",
      ledger: this.#ledger,
      weight: 1,
      nowMs: () => this.#nowMs,
      // The heartbeat that is asked for comes with one of the next steps, or at the end.
      refresh: () => undefined,
      onSoldOut: () => this.#drain(),
      onBatch: () => undefined,
      onFault: () => undefined,
    });
    this.#stock = this.#commit.stock;
    this.#commit.observe(this.#ledger);
  }

  async run(): Promise<void> {
    for (const one of this.#scenario.steps) {
      this.#do(one);
      await turn();
      this.#check();
    }
    await this.#finish();
    this.#check();
    this.#checkEnd();
  }

  #do(one: Step): void {
    switch (one.do) {
      case "submit":
        this.#submit(one.quantity);
        break;
      case "pass":
        this.#pass(one.ms);
        break;
      case "answer":
        this.#ledger.answer();
        break;
      case "fail":
        this.#fail(one.how, one.executed);
        break;
      case "disconnect":
        this.#disconnect(one.executed);
        break;
      case "connect":
        this.#connect();
        break;
      case "heartbeat":
        this.#heartbeat();
        break;
      case "restock":
        this.#ledger.restock(one.tickets);
        break;
    }
  }

  #submit(quantity: number): void {
    const key = `k${this.#requests.length}`;
    const request: PendingRequest = {
      key,
      quantity,
      buyer: "",
      token: "0".repeat(16),
      keyIsClients: false,
      answered: false,
      deadlineMs: this.#nowMs + deadlineMs,
      settle: (outcome) => this.#settled(key, outcome),
    };
    const full = this.#commit.queued >= this.#scenario.queueMax;
    // A desk does not submit what it knows to be sold out.
    if (this.#stock.latched) {
      return;
    }
    expect(this.#commit.submit(request)).toBe(!full);
    if (!full) {
      this.#requests.push(request);
    }
  }

  #settled(key: string, outcome: Outcome): void {
    this.#everSoldOut ||= this.#ledger.left === 0;
    if (this.#outcomes.has(key)) {
      this.#wrong.push(`${key} was answered twice`);
    }
    if (outcome.kind === "busy" && this.#unknown.has(key)) {
      this.#wrong.push(`${key} was called busy, though it may have been executed`);
    }
    if (outcome.kind === "soldOut" && !this.#everSoldOut) {
      this.#wrong.push(`${key} was told "sold out" while tickets were left`);
    }
    this.#outcomes.set(key, outcome);
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    this.#commit.tick();
    for (const { key, deadlineMs: last } of this.#requests) {
      expect(this.#outcomes.has(key) || last > this.#nowMs).toBe(true);
    }
  }

  #fail(how: "unknown" | "refused" | "notSent", executed: boolean): void {
    if (how === "unknown") {
      this.#lost(1);
    }
    this.#ledger.fail(how, how === "unknown" && executed);
  }

  /** The replies of the oldest calls are lost. */
  #lost(count: number): void {
    const under = this.#ledger.pending("hold");
    const { batches } = this.#ledger;
    for (const batch of batches.slice(batches.length - under).slice(0, count)) {
      for (const { key } of batch) {
        this.#unknown.add(key);
      }
    }
  }

  #disconnect(executed: number): void {
    this.#lost(Number.POSITIVE_INFINITY);
    this.#ledger.disconnect(executed);
    this.#commit.forget();
  }

  #connect(): void {
    if (!this.#ledger.ready) {
      this.#ledger.connect();
      this.#commit.resume();
    }
  }

  #heartbeat(): void {
    if (this.#ledger.ready && this.#ledger.pending("hold") === 0) {
      this.#commit.observe(this.#ledger);
    }
  }

  #drain(): void {
    for (const request of this.#commit.takeQueue()) {
      request.settle({ kind: "soldOut" });
    }
  }

  #check(): void {
    const { batchMax, queueMax } = this.#scenario;
    const { batches } = this.#ledger;
    expect(this.#wrong).toEqual([]);
    this.#everSoldOut ||= this.#ledger.left === 0;
    expect(this.#ledger.pending("hold")).toBeLessThanOrEqual(1);
    expect(this.#commit.queued).toBeLessThanOrEqual(queueMax);
    expect(this.#stock.outstanding).toBeGreaterThanOrEqual(0);
    for (const batch of batches.slice(this.#seenBatches)) {
      expect(batch.length).toBeLessThanOrEqual(batchMax);
      for (const { key } of batch) {
        const first = this.#batchOf.get(key) ?? batch;
        expect(sameKeys(first, batch)).toBe(true);
        this.#batchOf.set(key, first);
      }
    }
    this.#seenBatches = batches.length;
  }

  /** All faults are over, or the ledger stays away until everything has reached its deadline. */
  async #finish(): Promise<void> {
    if (this.#scenario.connected) {
      this.#connect();
    } else if (this.#ledger.ready) {
      this.#disconnect(1);
    }
    for (let i = 0; i < 60; i += 1) {
      await turn();
      while (this.#ledger.answer()) {
        await turn();
      }
      this.#heartbeat();
      this.#pass(50);
    }
  }

  #checkEnd(): void {
    const { sold } = this.#ledger;
    for (const { key } of this.#requests) {
      const outcome = this.#outcomes.get(key);
      const order = sold.get(key);
      switch (outcome?.kind) {
        case "sold":
          expect(order?.order).toBe(outcome.order);
          expect(order?.quantity).toBe(outcome.quantity);
          break;
        case "undecided":
          break;
        case "busy":
        case "soldOut":
        case "fewerLeft":
          expect(order).toBeUndefined();
          break;
        case "notOnSale":
        case "limitReached":
        case "buyerMissing":
        case "unknownSale":
        case undefined:
          throw new Error(`${key} was answered ${outcome?.kind}`);
      }
    }
    expect(this.#commit.idle).toBe(true);
    expect(this.#stock.outstanding).toBe(0);
  }
}

test("any order of replies, losses, refusals and reconnections: every request gets one true answer", async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      await new Model(given).run();
    }),
    { numRuns: 1_500 },
  );
});
