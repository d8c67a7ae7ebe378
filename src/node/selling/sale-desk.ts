import type { Failure, Heartbeat, Ledger } from "../../ledger/ledger.ts";
import { LocalStock } from "../../sale/local-stock.ts";
import type { OrderRecord } from "../../sale/order.ts";
import type { Outcome } from "../../sale/outcome.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import { GroupCommit } from "./group-commit.ts";
import { type KeyAnswer, KeyLookup } from "./key-lookup.ts";
import { OrderDesk } from "./order-desk.ts";
import { SoldKeys } from "./sold-keys.ts";

export interface SaleDeskOptions {
  readonly ledger: Ledger;
  readonly weight: number;
  readonly buffer: number;
  readonly batchMax: number;
  readonly batchesInFlightMax: number;
  readonly queueMax: number;
  /** A request is answered within this, whatever is known by then. */
  readonly deadlineMs: number;
  readonly soldKeysMax: number;
  readonly nowMs: () => number;
  /** Random strings; given from outside so that tests own them. */
  readonly makeKey: () => string;
  readonly makeToken: () => string;
  readonly onBatch: (size: number) => void;
  readonly onFault: (sale: string, fault: string) => void;
}

/** A purchase as it came in. */
export interface Purchase {
  /** The client's Idempotency-Key, or null. */
  readonly key: string | null;
  /** Empty where the request named no buyer. */
  readonly buyer: string;
  readonly quantity: number;
  /** Taken as the key of a request that has none; Nginx makes it, and can tell it to the client. */
  readonly requestId?: string | null;
  /** Until when it is to be answered; without one, from now on as long as any request may take. */
  readonly deadlineMs?: number;
}

/** What became of a request key. */
export type RequestFate =
  | { readonly kind: "sold"; readonly order: OrderRecord }
  | { readonly kind: "undecided" }
  | { readonly kind: "absent" }
  | { readonly kind: "busy" };

const soldOut: Outcome = { kind: "soldOut" };
const ledgerAway: Outcome = { kind: "busy", reason: "ledgerAway" };
const queueFull: Outcome = { kind: "busy", reason: "queueFull" };

/** Sells one sale on this node: memory where memory is sure, the ledger's group commit otherwise. */
export class SaleDesk {
  readonly #options: SaleDeskOptions;
  readonly sale: string;
  /** Payments and cancellations of this sale's orders. */
  readonly orders: OrderDesk;
  readonly #stock: LocalStock;
  readonly #commit: GroupCommit;
  readonly #lookup: KeyLookup;
  readonly #soldKeys: SoldKeys;
  /** What the last heartbeat told; null before the first and while the ledger is away. */
  #snapshot: SaleSnapshot | null = null;
  /** The last heartbeat said that there is no such sale. */
  #missing = false;
  #beating: Promise<void> | null = null;
  #latchedBefore = false;
  #leaving = false;
  /** Requests that wait for the first heartbeat. */
  #strangers = 0;
  livingNodes = 0;

  constructor(sale: string, options: SaleDeskOptions) {
    this.sale = sale;
    this.#options = options;
    const { ledger, weight, buffer } = options;
    const onFault = (fault: string) => options.onFault(sale, fault);
    this.#stock = new LocalStock(weight, buffer);
    this.#soldKeys = new SoldKeys(sale, ledger, options.soldKeysMax, onFault);
    const { queueMax } = options;
    this.#lookup = new KeyLookup({ sale, ledger, batchMax: 500, queueMax, onFault });
    this.orders = new OrderDesk({
      ...options,
      sale,
      onFault,
      onObservation: (seen) => {
        this.#stock.observe(seen);
        this.#commit.pump();
      },
    });
    this.#commit = new GroupCommit({
      ...options,
      sale,
      stock: this.#stock,
      retryPauseMs: 50,
      refresh: () => void this.beat(),
      onSoldOut: () => this.#drainQueue(),
      onFault: (failure: Failure) => onFault(`${failure.kind}: ${failure.reason}`),
    });
  }

  /** The sale as the ledger told it at the last heartbeat; null if it is not known. */
  get snapshot(): SaleSnapshot | null {
    return this.#snapshot;
  }

  get missing(): boolean {
    return this.#missing;
  }

  get localStock(): number {
    return Math.max(0, this.#stock.stock);
  }

  get queued(): number {
    return this.#commit.queued;
  }

  /** No request waits or is under way. */
  get idle(): boolean {
    return this.#commit.idle;
  }

  /** Sold out for sure, by what the ledger said in this epoch: the answer needs no ledger. */
  get latched(): boolean {
    return this.#snapshot !== null && this.#snapshot.state === "open" && this.#stock.latched;
  }

  /** Decides a purchase: at once where memory is sure, through the ledger otherwise. */
  buy(purchase: Purchase): Outcome | Promise<Outcome> {
    return this.decide(purchase) ?? new Promise((settle) => this.ask(purchase, settle));
  }

  /** What memory is sure of, or null: then the ledger has to be asked. */
  decide(purchase: Purchase): Outcome | null {
    const snapshot = this.#snapshot;
    if (snapshot === null) {
      // Also of a sale that was not there at the last heartbeat: it may have been created since.
      return null;
    }
    if (snapshot.state !== "open" || this.#stock.latched) {
      const { key } = purchase;
      const { latched, epoch } = this.#stock;
      const sure = key === null || (latched && this.#soldKeys.surelyAbsent(key, epoch));
      return sure ? this.#closedOutcome(snapshot) : null;
    }
    return snapshot.limit > 0 && purchase.buyer === "" ? { kind: "buyerMissing" } : null;
  }

  /** Asks the ledger. `settle` is called once, at the latest around the deadline. */
  ask(purchase: Purchase, settle: (outcome: Outcome) => void): void {
    const { key } = purchase;
    if (this.#snapshot === null) {
      void this.#buyUnknown(purchase).then(settle);
    } else if (key !== null && (this.#snapshot.state !== "open" || this.#stock.latched)) {
      const deadlineMs = this.#options.nowMs() + this.#options.deadlineMs;
      void this.#buyAgain({ ...purchase, key, deadlineMs }).then(settle);
    } else {
      this.#submit(purchase, settle);
    }
  }

  /** What became of a request with this key. Never rejects. */
  async fate(key: string): Promise<RequestFate> {
    const answer = await this.#lookup.ask(key);
    switch (answer.kind) {
      case "found":
        return answer.durable ? { kind: "sold", order: answer.order } : { kind: "undecided" };
      case "absent":
        return { kind: this.#commit.has(key) ? "undecided" : "absent" };
      case "away":
      case "full":
        return { kind: "busy" };
    }
  }

  /** A heartbeat; those who ask while one is under way share it. Never rejects. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  /** From now on heartbeats say that this node leaves, so that the others take its share. */
  async leave(): Promise<void> {
    this.#leaving = true;
    // One that is under way may still say the opposite.
    await this.#beating;
    await this.beat();
  }

  /** Answers what has reached its deadline. */
  expire(): void {
    this.#commit.expire();
    this.#commit.pump();
  }

  /** The connection to the ledger came back, or was lost: what is known of the sale is stale. */
  connectionChanged(ready: boolean): void {
    this.#snapshot = null;
    this.#missing = false;
    this.#stock.forget();
    this.#soldKeys.reset();
    this.#latchedBefore = false;
    if (ready) {
      this.#commit.resume();
      void this.beat();
    }
  }

  async #beat(): Promise<void> {
    const { ledger, weight } = this.#options;
    const reply = await ledger.heartbeat(this.sale, this.#leaving ? 0 : weight);
    if (reply.kind !== "ok") {
      // Cut off, or refused: selling on what is not known any more would be a guess.
      this.#snapshot = null;
      this.#options.onFault(this.sale, `heartbeat ${reply.kind}: ${reply.reason}`);
      return;
    }
    this.#missing = reply.value === null;
    if (reply.value === null) {
      this.#snapshot = null;
      this.#stock.forget();
      this.#settleQueue({ kind: "unknownSale" });
      return;
    }
    this.#learn(reply.value);
  }

  #learn(heartbeat: Heartbeat): void {
    const { snapshot, livingWeight, livingNodes } = heartbeat;
    this.#snapshot = snapshot;
    this.livingNodes = livingNodes;
    this.#stock.observeLivingWeight(livingWeight);
    this.#stock.observe(snapshot);
    if (this.#stock.latched) {
      if (this.#latchedBefore) {
        // Latched for a whole heartbeat: worth reading the keys, stock is not coming and going.
        void this.#soldKeys.load(this.#stock.epoch);
      }
      this.#drainQueue();
    } else {
      this.#soldKeys.reset();
    }
    this.#latchedBefore = this.#stock.latched;
    this.#commit.pump();
  }

  /** Sold out while they waited: those with a key of their own may still have an order. */
  #drainQueue(): void {
    for (const request of this.#commit.takeQueue()) {
      if (request.keyIsClients) {
        void this.#buyAgain(request).then(request.settle);
      } else {
        request.settle(soldOut);
      }
    }
  }

  #settleQueue(outcome: Outcome): void {
    for (const request of this.#commit.takeQueue()) {
      request.settle(outcome);
    }
  }

  #submit(purchase: Purchase, settle: (outcome: Outcome) => void): void {
    const { nowMs, deadlineMs, makeKey, makeToken, queueMax, ledger } = this.#options;
    if (!ledger.ready) {
      settle(ledgerAway);
    } else if (this.#commit.queued >= queueMax) {
      settle(queueFull);
    } else {
      this.#commit.submit({
        key: purchase.key ?? purchase.requestId ?? makeKey(),
        keyIsClients: purchase.key !== null,
        buyer: purchase.buyer,
        quantity: purchase.quantity,
        token: makeToken(),
        deadlineMs: purchase.deadlineMs ?? nowMs() + deadlineMs,
        settle,
        answered: false,
      });
    }
  }

  /** Nothing is known of the sale yet: learn it first, then decide. */
  async #buyUnknown(purchase: Purchase): Promise<Outcome> {
    if (!this.#options.ledger.ready) {
      return ledgerAway;
    }
    if (this.#strangers >= this.#options.queueMax) {
      return queueFull;
    }
    this.#strangers += 1;
    await this.beat();
    this.#strangers -= 1;
    if (this.#missing) {
      return { kind: "unknownSale" };
    }
    return this.#snapshot === null ? ledgerAway : this.buy(purchase);
  }

  /** Nothing can be sold now, but a request with a key gets the order that it already has. */
  async #buyAgain(purchase: Purchase & { readonly key: string }): Promise<Outcome> {
    const { key } = purchase;
    const answer: KeyAnswer = await this.#lookup.ask(key);
    switch (answer.kind) {
      case "found": {
        const { order, serial, quantity, payByMs } = answer.order;
        return answer.durable
          ? { kind: "sold", order, serial, quantity, payByMs }
          : { kind: "undecided", key };
      }
      case "absent": {
        if (this.#commit.has(key)) {
          return { kind: "undecided", key };
        }
        const snapshot = this.#snapshot;
        const decided = snapshot !== null && (snapshot.state !== "open" || this.#stock.latched);
        // Stock came back, or the sale was opened, while the key was looked up.
        return decided
          ? this.#closedOutcome(snapshot)
          : new Promise((settle) => this.#submit(purchase, settle));
      }
      case "away":
        return ledgerAway;
      case "full":
        return queueFull;
    }
  }

  #closedOutcome(snapshot: SaleSnapshot): Outcome {
    return snapshot.state === "open"
      ? soldOut
      : { kind: "notOnSale", state: snapshot.state, opensAtMs: snapshot.opensAtMs };
  }
}
