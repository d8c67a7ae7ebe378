import { scriptStatus } from "../../../src/ledger/script-status.ts";
import type { OrderCause, OrderState } from "../../../src/sale/order.ts";
import type { Ask } from "./sale-scripts.ts";

export interface ModelOrder {
  readonly serial: number;
  readonly quantity: number;
  readonly buyer: string;
  state: OrderState;
  cause: OrderCause;
  revision: number;
  /** Its time to pay was over as soon as it was held. */
  readonly due: boolean;
}

/** Who sends a batch, how, and whether what it sells is due at once. */
export interface Sending {
  readonly instance: string;
  readonly generation: number;
  readonly rightSecret: boolean;
  readonly due: boolean;
}

/** An order as confirm and cancel name it. */
export interface Named {
  readonly key: string;
  readonly serial: number;
}

/** What a script is to answer of one request or order: a number, or `order`: its order as it is. */
export type Predicted = number | "order";

/**
 * What a sale is, without Redis, times, batches or tokens: the whole of the rules in the least
 * words. The scripts are held against it; it never looks at them.
 */
export class SaleModel {
  readonly limit: number;
  total: number;
  state = "scheduled";
  serial = 0;
  /** How often the epoch grew since the sale was created. */
  epochs = 0;
  /** Of the definition: 1 when created. */
  revision = 1;
  /** Order records that the outbox has had. */
  records = 0;
  readonly orders = new Map<string, ModelOrder>();
  readonly operations = new Set<string>();
  /** Newest generation of each node that ever spoke. */
  readonly generations = new Map<string, number>();

  constructor(total: number, limit: number) {
    this.total = total;
    this.limit = limit;
  }

  tickets(...states: readonly OrderState[]): number {
    return this.#sum((order) => states.includes(order.state));
  }

  get left(): number {
    return this.total - this.tickets("held", "paid");
  }

  /** Tickets that a buyer has now. */
  has(buyer: string): number {
    return this.#sum((order) => order.buyer === buyer && order.state !== "released");
  }

  /** Refused as a whole by a status; else what becomes of each request. */
  hold(asks: readonly Ask[], sending: Sending): { status: number; results: Predicted[] } {
    const { instance, generation, rightSecret, due } = sending;
    if (!rightSecret) {
      return { status: scriptStatus.wrongSecret, results: [] };
    }
    if (generation < (this.generations.get(instance) ?? 0)) {
      return { status: scriptStatus.staleGeneration, results: [] };
    }
    this.generations.set(instance, generation);
    const base = this.serial;
    const results = asks.map((ask, place) => this.#decide(ask, base + place + 1, due));
    return { status: scriptStatus.done, results };
  }

  restock(operation: string, quantity: number): number {
    if (this.operations.has(operation)) {
      return scriptStatus.repeated;
    }
    if (this.state === "closed") {
      return scriptStatus.saleClosed;
    }
    this.operations.add(operation);
    this.epochs += this.left === 0 ? 1 : 0;
    this.total += quantity;
    this.revision += 1;
    return scriptStatus.done;
  }

  setState(state: string): number {
    if (this.state === "closed" && state !== "closed") {
      return scriptStatus.saleClosed;
    }
    this.revision += this.state === state ? 0 : 1;
    this.state = state;
    return scriptStatus.done;
  }

  confirm(named: readonly Named[]): Predicted[] {
    return named.map(({ key, serial }) => {
      const order = this.orders.get(key);
      if (order?.serial !== serial) {
        return scriptStatus.noOrder;
      }
      const comesBack = order.cause === "lapsed" && order.quantity <= this.left;
      if (order.state === "released" && !comesBack) {
        return scriptStatus.refund;
      }
      if (order.state !== "paid") {
        this.#change(order, "paid", order.state === "held" ? "paid" : "revived");
      }
      return "order";
    });
  }

  cancel(named: readonly Named[]): Predicted[] {
    const { left } = this;
    const results = named.map(({ key, serial }): Predicted => {
      const order = this.orders.get(key);
      if (order?.serial !== serial) {
        return scriptStatus.noOrder;
      }
      if (order.state === "paid") {
        return scriptStatus.alreadyPaid;
      }
      if (order.state === "held") {
        this.#change(order, "released", "cancelled");
      }
      return "order";
    });
    this.epochs += left === 0 && this.left > 0 ? 1 : 0;
    return results;
  }

  /** Returns how many holds are over. */
  lapse(): number {
    const { left } = this;
    const over = [...this.orders.values()].filter(({ state, due }) => state === "held" && due);
    for (const order of over) {
      this.#change(order, "released", "lapsed");
    }
    this.epochs += left === 0 && over.length > 0 ? 1 : 0;
    return over.length;
  }

  #change(order: ModelOrder, state: OrderState, cause: OrderCause): void {
    Object.assign(order, { state, cause, revision: order.revision + 1 });
    this.records += 1;
  }

  #decide([key, buyer = "", quantity = 1]: Ask, serial: number, due: boolean): Predicted {
    if (this.orders.has(key)) {
      return "order";
    }
    if (this.state !== "open") {
      return scriptStatus.notOnSale;
    }
    const { left } = this;
    if (quantity > left) {
      return left === 0 ? scriptStatus.soldOut : scriptStatus.fewerLeft;
    }
    if (this.limit > 0 && buyer === "") {
      return scriptStatus.buyerMissing;
    }
    if (this.limit > 0 && this.has(buyer) + quantity > this.limit) {
      return scriptStatus.limitReached;
    }
    const held = { state: "held", cause: "held", revision: 1 } as const;
    this.orders.set(key, { serial, quantity, buyer, due, ...held });
    this.serial = serial;
    this.records += 1;
    return serial;
  }

  #sum(counts: (order: ModelOrder) => boolean): number {
    let tickets = 0;
    for (const order of this.orders.values()) {
      tickets += counts(order) ? order.quantity : 0;
    }
    return tickets;
  }
}
