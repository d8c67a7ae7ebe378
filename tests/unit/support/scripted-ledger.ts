import type {
  ChangeReply,
  Failure,
  Heartbeat,
  HoldBatch,
  HoldReply,
  HoldRequest,
  HoldResult,
  Ledger,
  LookupReply,
  Reply,
} from "../../../src/ledger/ledger.ts";
import { orderId, type OrderRecord, type OrderRef } from "../../../src/sale/order.ts";
import type { SaleSnapshot, SaleState } from "../../../src/sale/sale.ts";
import { requestHash, secretId, TokenMaker } from "../../../src/sale/tokens.ts";

export type CallKind = "hold" | "heartbeat" | "read" | "lookup" | "soldOrders" | "readOrder";

/** A call that waits for what the test makes of it. */
interface PendingCall {
  readonly kind: CallKind;
  /** Does what it says and gives the reply of it. */
  readonly execute: () => Reply<unknown>;
  readonly resolve: (reply: Reply<unknown>) => void;
}

const sale = "rush";
const away: Failure = { kind: "notSent", reason: "scripted: away" };

/** A secret of the form that sales have; the same letter makes the same one. */
export function secretOf(letter: string): string {
  return letter.repeat(43);
}

/**
 * A ledger in memory whose every reply is the test's to give: it decides as hold.lua does, but
 * when a call is executed, and whether its reply arrives, the test says. Calls are executed in
 * the order in which they were made, as on one connection. It throws where hold.lua would refuse a
 * batch for its form, since no node may send one.
 */
export class ScriptedLedger implements Ledger {
  ready = true;
  left: number;
  epoch = 1;
  serial = 0;
  state: SaleState = "open";
  limit = 0;
  missing = false;
  durable = true;
  livingWeight = 1;
  /** What the tokens of the sale are made from. */
  secret = secretOf("s");
  /** To be moved by a test that changes the sale and wants nodes to read it. */
  changed = 1;
  nowMs = 0;
  opensAtMs = 0;
  /** The newest weight that a heartbeat told. */
  weightSeen: number | null = null;
  /** By token. */
  readonly sold = new Map<string, OrderRecord>();
  /** Batches of holds in the order in which they were asked for, repetitions included. */
  readonly batches: HoldBatch[] = [];
  readonly calls: Record<CallKind, number> = {
    hold: 0,
    heartbeat: 0,
    read: 0,
    lookup: 0,
    soldOrders: 0,
    readOrder: 0,
  };
  /** Kinds of calls that are executed and answered by themselves. */
  readonly automatic = new Set<CallKind>();
  /** The sales of each reading. */
  readonly salesRead: (readonly string[])[] = [];
  readonly #pending: PendingCall[] = [];
  readonly #listeners: ((ready: boolean) => void)[] = [];

  constructor(left: number) {
    this.left = left;
  }

  pending(kind: CallKind): number {
    return this.#pending.filter((call) => call.kind === kind).length;
  }

  /** Executes the oldest call (of a kind) and answers it. False if there is none. */
  answer(kind?: CallKind): boolean {
    const call = this.#take(kind);
    call?.resolve(call.execute());
    return call !== null;
  }

  /** The oldest call fails; `executed` says whether it was done all the same. */
  fail(failure: Failure["kind"], executed = false, kind?: CallKind): boolean {
    const call = this.#take(kind);
    if (executed) {
      call?.execute();
    }
    call?.resolve({ kind: failure, reason: `scripted: ${failure}` });
    return call !== null;
  }

  /** The connection is lost after the first `executed` calls were done. */
  disconnect(executed = 0): void {
    this.ready = false;
    for (let i = 0; this.#pending.length > 0; i += 1) {
      this.fail("unknown", i < executed);
    }
    this.#tell();
  }

  connect(): void {
    this.ready = true;
    this.#tell();
  }

  /** Stock comes back. */
  restock(tickets: number): void {
    this.epoch += this.left === 0 ? 1 : 0;
    this.left += tickets;
  }

  /** The sale is deleted and made anew under its id. */
  makeAnew(left: number, letter: string): void {
    this.sold.clear();
    this.secret = secretOf(letter);
    this.epoch += 1_000;
    this.left = left;
    this.serial = 0;
  }

  /** The token that a request has in this sale. */
  tokenOf(key: string, buyer = ""): string {
    return new TokenMaker(sale, this.secret).token(buyer, key);
  }

  /** The order of a request, if it has one. */
  orderOf(key: string, buyer = ""): string | undefined {
    const record = this.sold.get(this.tokenOf(key, buyer));
    return record === undefined ? undefined : orderId(sale, record);
  }

  /** What another node does: sells to one request. Returns the order's id. */
  sellElsewhere(key: string, quantity = 1, buyer = ""): string {
    const token = this.tokenOf(key, buyer);
    const request = { token, buyer, quantity, hash: requestHash(buyer, key) };
    const result = this.#decide(request, this.serial + 1);
    if (result.kind !== "sold") {
      throw new Error(`the other node could not sell: ${result.kind}`);
    }
    return result.order;
  }

  hold(_: string, batch: HoldBatch): Promise<Reply<HoldReply | null>> {
    const { ref, requests } = batch;
    if (!this.ready) {
      throw new Error("a batch was sent although the ledger is away");
    }
    if (new Set(requests.map(({ token }) => token)).size !== requests.length) {
      throw new Error(`batch ${ref} has a token twice`);
    }
    const before = this.batches.find((each) => each.ref === ref);
    if (before !== undefined && before.requests !== requests) {
      throw new Error(`two batches are called ${ref}`);
    }
    this.batches.push(batch);
    return this.#ask<HoldReply | null>("hold", () => this.#hold(batch), batch.secretId);
  }

  readSecret(): Promise<Reply<string | null>> {
    const value = this.missing ? null : this.secret;
    return Promise.resolve(this.ready ? { kind: "ok", value } : away);
  }

  heartbeat(weight: number): Promise<Reply<Heartbeat>> {
    return this.#ask("heartbeat", () => {
      this.weightSeen = weight;
      const { nowMs, changed, livingWeight } = this;
      return { nowMs, changed, livingWeight, livingNodes: 1 };
    });
  }

  /** Every sale that is asked for is the one that there is. */
  async readSales(sales: readonly string[]): Promise<readonly Reply<SaleSnapshot | null>[]> {
    this.salesRead.push([...sales]);
    const reply = await this.#ask("read", () => (this.missing ? null : this.#snapshot()));
    return sales.map(() => reply);
  }

  lookup(_: string, secret: string, tokens: readonly string[]): Promise<Reply<LookupReply | null>> {
    const find = (): LookupReply | null =>
      this.missing
        ? null
        : { orders: tokens.map((token) => this.sold.get(token) ?? null), durable: this.durable };
    return this.#ask("lookup", find, secret);
  }

  soldOrders(_: string, most: number): Promise<Reply<ReadonlySet<string> | null>> {
    return this.#ask("soldOrders", () =>
      this.sold.size > most ? null : new Set([...this.sold.values()].map(({ hash }) => hash)),
    );
  }

  onConnection(listener: (ready: boolean) => void): void {
    this.#listeners.push(listener);
  }

  confirm(): never {
    throw new Error("these tests confirm nothing");
  }

  /** Finds no order; what these tests want of it is what its reply tells of the stock. */
  cancel(_: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>> {
    const { left, epoch, durable } = this;
    const results = orders.map(() => ({ kind: "unknownOrder" as const }));
    return Promise.resolve({ kind: "ok", value: { left, epoch, results, durable } });
  }

  readOrder(_: string, { token, serial }: OrderRef): Promise<Reply<OrderRecord | null>> {
    return this.#ask("readOrder", () => {
      const record = this.sold.get(token);
      return record?.serial === serial ? record : null;
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** `secret`: names the one that is asked with; another one than the sale's is refused. */
  #ask<T>(kind: CallKind, work: () => T, secret: string | null = null): Promise<Reply<T>> {
    this.calls[kind] += 1;
    if (!this.ready) {
      return Promise.resolve(away);
    }
    const execute = (): Reply<T> =>
      secret === null || this.missing || secret === secretId(this.secret)
        ? { kind: "ok", value: work() }
        : { kind: "refused", reason: "scripted: the sale has another secret" };
    if (this.automatic.has(kind)) {
      return Promise.resolve(execute());
    }
    return new Promise((resolve) => {
      this.#pending.push({ kind, execute, resolve: (reply) => resolve(reply as Reply<T>) });
    });
  }

  #take(kind: CallKind | undefined): PendingCall | null {
    const index = this.#pending.findIndex((call) => kind === undefined || call.kind === kind);
    return index < 0 ? null : (this.#pending.splice(index, 1)[0] ?? null);
  }

  #snapshot(): SaleSnapshot {
    const { left, epoch, serial, limit, opensAtMs } = this;
    const held = ticketsOf([...this.sold.values()]);
    const counts = { total: left + held, held, paid: 0, left, limit, holdMs: 60_000 };
    const state = this.#stateNow();
    return { sale, state, ...counts, opensAtMs, epoch, serial, secretId: secretId(this.secret) };
  }

  #stateNow(): SaleState {
    const due = this.opensAtMs > 0 && this.nowMs >= this.opensAtMs;
    return this.state === "scheduled" && due ? "open" : this.state;
  }

  /** Serials are those of the places: what is not sold leaves a gap. */
  #hold({ requests }: HoldBatch): HoldReply | null {
    if (this.missing) {
      return null;
    }
    const first = this.serial + 1;
    const results = requests.map((request, place) => this.#decide(request, first + place));
    const { left, epoch, state, limit, durable } = this;
    return { left, epoch, state, limit, opensAtMs: 0, results, durable };
  }

  #decide({ token, buyer, quantity, hash }: HoldRequest, serial: number): HoldResult {
    const known = this.sold.get(token);
    if (known !== undefined) {
      const { payByMs } = known;
      const order = orderId(sale, known);
      return { kind: "sold", order, serial: known.serial, quantity: known.quantity, payByMs };
    }
    if (this.#stateNow() !== "open") {
      return { kind: "notOnSale" };
    }
    if (quantity > this.left) {
      return { kind: this.left === 0 ? "soldOut" : "fewerLeft" };
    }
    if (this.limit > 0 && this.#boughtBy(buyer) + quantity > this.limit) {
      return { kind: "limitReached" };
    }
    this.left -= quantity;
    this.serial = serial;
    const times = { heldAtMs: 1, payByMs: 2, changedAtMs: 1 };
    const change = { state: "held", revision: 1, cause: "held" } as const;
    const record: OrderRecord = { token, serial, quantity, buyer, hash, ...times, ...change };
    this.sold.set(token, record);
    return { kind: "sold", order: orderId(sale, record), serial, quantity, payByMs: 2 };
  }

  #boughtBy(buyer: string): number {
    return ticketsOf([...this.sold.values()].filter((record) => record.buyer === buyer));
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      listener(this.ready);
    }
  }
}

function ticketsOf(records: readonly OrderRecord[]): number {
  return records.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Lets promises and the node's own "end of this turn" run. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
