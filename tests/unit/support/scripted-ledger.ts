import type {
  ChangeReply,
  Failure,
  Heartbeat,
  HoldReply,
  HoldRequest,
  HoldResult,
  Ledger,
  LookupReply,
  OrderRef,
  Reply,
} from "../../../src/ledger/ledger.ts";
import { orderId, type OrderRecord } from "../../../src/sale/order.ts";
import type { SaleSnapshot, SaleState } from "../../../src/sale/sale.ts";

export type CallKind = "hold" | "heartbeat" | "read" | "lookup" | "soldKeys";

/** A call that waits for what the test makes of it. */
interface PendingCall {
  readonly kind: CallKind;
  /** Does what it says and gives the reply of it. */
  readonly execute: () => Reply<unknown>;
  readonly resolve: (reply: Reply<unknown>) => void;
}

const sale = "rush";

/**
 * A ledger in memory whose every reply is the test's to give: it decides as hold.lua does, but
 * when a call is executed, and whether its reply arrives, the test says. Calls are executed in
 * the order in which they were made, as on one connection.
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
  /** To be moved by a test that changes the sale and wants nodes to read it. */
  changed = 1;
  nowMs = 0;
  opensAtMs = 0;
  /** The newest weight that a heartbeat told. */
  weightSeen: number | null = null;
  readonly sold = new Map<string, OrderRecord>();
  /** Batches of holds in the order in which they were asked for, repetitions included. */
  readonly batches: (readonly HoldRequest[])[] = [];
  readonly calls: Record<CallKind, number> = {
    hold: 0,
    heartbeat: 0,
    read: 0,
    lookup: 0,
    soldKeys: 0,
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

  /** What another node does: sells one ticket. */
  sellElsewhere(key: string, quantity = 1): OrderRecord {
    const result = this.#decide({ key, buyer: "", quantity, token: "0".repeat(16) });
    if (result.kind !== "sold") {
      throw new Error(`the other node could not sell: ${result.kind}`);
    }
    return this.sold.get(key) as OrderRecord;
  }

  hold(_: string, requests: readonly HoldRequest[]): Promise<Reply<HoldReply | null>> {
    if (!this.ready) {
      throw new Error("a batch was sent although the ledger is away");
    }
    this.batches.push([...requests]);
    return this.#ask("hold", () => this.#hold(requests));
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

  lookup(_: string, keys: readonly string[]): Promise<Reply<LookupReply | null>> {
    return this.#ask("lookup", () =>
      this.missing
        ? null
        : { orders: keys.map((key) => this.sold.get(key) ?? null), durable: this.durable },
    );
  }

  soldKeys(_: string, most: number): Promise<Reply<ReadonlySet<string> | null>> {
    return this.#ask("soldKeys", () => (this.sold.size > most ? null : new Set(this.sold.keys())));
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

  readOrder(): never {
    throw new Error("these tests read no order");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #ask<T>(kind: CallKind, work: () => T): Promise<Reply<T>> {
    this.calls[kind] += 1;
    if (!this.ready) {
      return Promise.resolve({ kind: "notSent", reason: "scripted: away" });
    }
    const execute = (): Reply<T> => ({ kind: "ok", value: work() });
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
    const state = this.#stateNow();
    const held = this.serial;
    const counts = { total: left + held, held, paid: 0, left };
    return { sale, state, ...counts, limit, holdMs: 60_000, opensAtMs, epoch, serial };
  }

  #stateNow(): SaleState {
    const due = this.opensAtMs > 0 && this.nowMs >= this.opensAtMs;
    return this.state === "scheduled" && due ? "open" : this.state;
  }

  #hold(requests: readonly HoldRequest[]): HoldReply | null {
    if (this.missing) {
      return null;
    }
    const results = requests.map((request) => this.#decide(request));
    const { left, epoch, state, limit, durable } = this;
    return { left, epoch, state, limit, opensAtMs: 0, results, durable };
  }

  #decide({ key, buyer, quantity, token }: HoldRequest): HoldResult {
    const known = this.sold.get(key);
    if (known !== undefined) {
      const { order, serial, payByMs } = known;
      return { kind: "sold", order, serial, quantity: known.quantity, payByMs };
    }
    if (this.#stateNow() !== "open") {
      return { kind: "notOnSale" };
    }
    if (quantity > this.left) {
      return { kind: this.left === 0 ? "soldOut" : "fewerLeft" };
    }
    this.left -= quantity;
    this.serial += 1;
    const { serial } = this;
    const order = orderId(sale, serial, token);
    const times = { heldAtMs: 1, payByMs: 2, changedAtMs: 1 };
    const change = { revision: 1, cause: "held" } as const;
    this.sold.set(key, { order, state: "held", serial, quantity, buyer, key, ...times, ...change });
    return { kind: "sold", order, serial, quantity, payByMs: 2 };
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      listener(this.ready);
    }
  }
}

/** Lets promises and the node's own "end of this turn" run. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
