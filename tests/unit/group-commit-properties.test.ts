import { expect, setDefaultTimeout, test } from "bun:test";

import fc from "fast-check";

import type { HoldRequest } from "../../src/ledger/ledger.ts";
import { GroupCommit } from "../../src/node/selling/group-commit.ts";
import type { PendingRequest } from "../../src/node/selling/pending-request.ts";
import type { StockView } from "../../src/sale/local-stock.ts";
import { orderId, type OrderRecord } from "../../src/sale/order.ts";
import type { Outcome } from "../../src/sale/outcome.ts";
import { requestHash, secretId, TokenMaker } from "../../src/sale/tokens.ts";
import { ScriptedLedger, turn } from "./support/scripted-ledger.ts";

setDefaultTimeout(60_000);

type Step =
  | {
      readonly do: "submit";
      readonly quantity: number;
      /** Of few, so that the same comes again; null: one that nobody else has. */
      readonly key: string | null;
      readonly buyer: string;
    }
  | { readonly do: "pass"; readonly ms: number }
  | {
      readonly do: "fail";
      readonly how: "unknown" | "refused" | "notSent";
      readonly executed: boolean;
    }
  | { readonly do: "disconnect"; readonly executed: number }
  | { readonly do: "restock"; readonly tickets: number }
  /** The sale is deleted, and made anew with so many tickets. */
  | { readonly do: "makeAnew"; readonly left: number }
  | { readonly do: "answer" | "connect" | "heartbeat" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      quantity: fc.integer({ min: 1, max: 3 }),
      key: fc.constantFrom(null, null, "1", "1", "2"),
      buyer: fc.constantFrom("", "ann"),
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
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("makeAnew" as const),
      left: fc.integer({ min: 0, max: 30 }),
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
  left: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 30 })),
  buffer: fc.integer({ min: 0, max: 10 }),
  batchMax: fc.integer({ min: 1, max: 4 }),
  queueMax: fc.integer({ min: 1, max: 8 }),
  steps: fc.array(step, { maxLength: 60, size: "max" }),
  /** Whether the ledger is there at the end. */
  connected: fc.boolean(),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const deadlineMs = 2_000;
const letters = "abcdefghijklmnopqrstuvwxyz";

/** A request, and what makes it another one than those with the same key. */
interface Submitted extends PendingRequest {
  readonly name: string;
}

/** Runs a scenario and looks after every step at what must always hold. */
class Model {
  readonly #ledger: ScriptedLedger;
  readonly #stock: StockView;
  readonly #commit: GroupCommit;
  readonly #scenario: Scenario;
  readonly #requests: Submitted[] = [];
  readonly #outcomes = new Map<string, Outcome>();
  /** By request, the name of the batch in which it is sent. */
  readonly #batchOf = new Map<HoldRequest, string>();
  /** Requests of a batch whose reply was lost at least once. */
  readonly #unknown = new Set<HoldRequest>();
  /** Orders of all the sales that there were, by token. */
  readonly #orders = new Map<string, OrderRecord>();
  /** What tokens are made with, as of the last heartbeat. */
  #secret: string;
  #salesMade = 0;
  #batches = 0;
  /** What answers came wrong; they come where nobody catches what is thrown. */
  readonly #wrong: string[] = [];
  #everSoldOut: boolean;
  #seenBatches = 0;
  #nowMs = 0;

  constructor(given: Scenario) {
    this.#scenario = given;
    this.#ledger = new ScriptedLedger(given.left);
    this.#secret = this.#ledger.secret;
    this.#everSoldOut = given.left === 0;
    this.#commit = new GroupCommit({
      ...given,
      sale: "rush",
      ledger: this.#ledger,
      weight: 1,
      makeRef: () => `node.${(this.#batches += 1)}`,
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
        this.#submit(one);
        break;
      case "makeAnew":
        this.#keepOrders();
        this.#ledger.makeAnew(one.left, letters[(this.#salesMade += 1) % letters.length] ?? "");
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

  #submit({ quantity, key: shared, buyer }: Step & { readonly do: "submit" }): void {
    const name = `r${this.#requests.length}`;
    const key = shared ?? name;
    const request: Submitted = {
      name,
      key,
      quantity,
      buyer,
      token: new TokenMaker("rush", this.#secret).token(buyer, key),
      hash: requestHash(buyer, key),
      secretId: secretId(this.#secret),
      keyIsClients: shared !== null,
      answered: false,
      deadlineMs: this.#nowMs + deadlineMs,
      settle: (outcome) => this.#settled(request, outcome),
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

  #settled(request: Submitted, outcome: Outcome): void {
    const { name, quantity } = request;
    this.#everSoldOut ||= this.#ledger.left === 0;
    if (this.#outcomes.has(name)) {
      this.#wrong.push(`${name} was answered twice`);
    }
    if (outcome.kind === "busy" && this.#unknown.has(request)) {
      this.#wrong.push(`${name} was called busy, though it may have been executed`);
    }
    if (outcome.kind === "soldOut" && !this.#everSoldOut) {
      this.#wrong.push(`${name} was told "sold out" while tickets were left`);
    }
    if (outcome.kind === "fewerLeft" && outcome.left >= quantity) {
      this.#wrong.push(`${name} asked for ${quantity}, and ${outcome.left} were too few`);
    }
    this.#outcomes.set(name, outcome);
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    this.#commit.tick();
    for (const { name, deadlineMs: last } of this.#requests) {
      expect(this.#outcomes.has(name) || last > this.#nowMs).toBe(true);
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
    for (const { requests } of batches.slice(batches.length - under).slice(0, count)) {
      for (const request of requests) {
        this.#unknown.add(request);
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
      this.#secret = this.#ledger.secret;
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
    for (const { ref, secretId: secret, requests } of batches.slice(this.#seenBatches)) {
      expect(requests.length).toBeLessThanOrEqual(batchMax);
      for (const request of requests) {
        expect(this.#batchOf.get(request) ?? ref).toBe(ref);
        this.#batchOf.set(request, ref);
        expect((request as Submitted).secretId).toBe(secret);
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

  #keepOrders(): void {
    for (const [token, record] of this.#ledger.sold) {
      this.#orders.set(token, record);
    }
  }

  #checkEnd(): void {
    this.#keepOrders();
    for (const request of this.#requests) {
      this.#checkOutcome(request, this.#outcomes.get(request.name));
    }
    expect(this.#commit.idle).toBe(true);
    expect(this.#stock.outstanding).toBe(0);
  }

  #checkOutcome({ name, token, quantity }: Submitted, outcome: Outcome | undefined): void {
    const order = this.#orders.get(token);
    switch (outcome?.kind) {
      case "sold":
        expect(orderId("rush", order as OrderRecord)).toBe(outcome.order);
        expect(order?.quantity).toBe(outcome.quantity);
        break;
      case "undecided":
        break;
      case "busy":
      case "soldOut":
      case "fewerLeft":
        // It has no order, unless another request with its key got one.
        expect(order === undefined || this.#isAnothers(name, token)).toBe(true);
        break;
      case "notOnSale":
      case "limitReached":
      case "buyerMissing":
      case "unknownSale":
      case undefined:
        throw new Error(`${name}, for ${quantity}, was answered ${outcome?.kind}`);
    }
  }

  #isAnothers(name: string, token: string): boolean {
    return this.#requests.some((other) => {
      const kind = this.#outcomes.get(other.name)?.kind;
      const mayHaveIt = kind === "sold" || kind === "undecided";
      return other.name !== name && other.token === token && mayHaveIt;
    });
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
