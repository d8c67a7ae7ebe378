import { scriptStatus } from "../../../src/ledger/script-status.ts";
import type { Ask } from "./sale-scripts.ts";

export interface ModelOrder {
  state: "held" | "paid" | "released";
  readonly quantity: number;
  readonly buyer: string;
  readonly key: string;
}

/** What hold.lua is to say: a refusal, a new serial, or `again`, the serial sold before. */
export type Predicted = number | { readonly again: number };

/**
 * What a sale is, without Redis, time or keys: the whole of the rules in the least words.
 * The scripts are held against it; it never looks at them.
 */
export class SaleModel {
  readonly limit: number;
  total: number;
  state = "scheduled";
  /** How often the epoch grew since the sale was created. */
  epochs = 0;
  /** The order with serial n is `orders[n - 1]`. */
  readonly orders: ModelOrder[] = [];
  readonly operations = new Set<string>();
  /** Newest generation of each node that ever spoke. */
  readonly generations = new Map<string, number>();
  readonly weights = new Map<string, number>();

  constructor(total: number, limit: number) {
    this.total = total;
    this.limit = limit;
  }

  tickets(...states: readonly ModelOrder["state"][]): number {
    return this.#sum((order) => states.includes(order.state));
  }

  get left(): number {
    return this.total - this.tickets("held", "paid");
  }

  /** Tickets that a buyer has now. */
  has(buyer: string): number {
    return this.#sum((order) => order.buyer === buyer && order.state !== "released");
  }

  /** Serial of the order that a key was sold, or 0. */
  serialOf(key: string): number {
    return this.orders.findIndex((order) => order.key === key) + 1;
  }

  /** Null: the copy is stale, nothing is decided. */
  hold(asks: readonly Ask[], instance: string, generation: number): Predicted[] | null {
    if (!this.#admits(instance, generation)) {
      return null;
    }
    return asks.map((ask) => this.#decide(ask));
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
    return scriptStatus.done;
  }

  setState(state: string): number {
    if (this.state === "closed" && state !== "closed") {
      return scriptStatus.saleClosed;
    }
    this.state = state;
    return scriptStatus.done;
  }

  /** Weight and number of the nodes that live, or null for a stale heartbeat. */
  heartbeat(instance: string, weight: number, generation: number): [number, number] | null {
    if (!this.#admits(instance, generation)) {
      return null;
    }
    this.weights.set(instance, weight);
    const living = [...this.weights.values()].filter((its) => its > 0);
    return [living.reduce((sum, its) => sum + its, 0), living.length];
  }

  pay(serial: number): void {
    this.#order(serial).state = "paid";
  }

  release(serial: number): void {
    this.epochs += this.left === 0 ? 1 : 0;
    this.#order(serial).state = "released";
  }

  #decide([key, buyer = "", quantity = 1]: Ask): Predicted {
    const again = this.serialOf(key);
    if (again > 0) {
      return { again };
    }
    if (this.state !== "open") {
      return scriptStatus.notOnSale;
    }
    if (this.left === 0) {
      return scriptStatus.soldOut;
    }
    if (quantity > this.left) {
      return scriptStatus.fewerLeft;
    }
    if (this.limit > 0 && buyer === "") {
      return scriptStatus.buyerMissing;
    }
    if (this.limit > 0 && this.has(buyer) + quantity > this.limit) {
      return scriptStatus.limitReached;
    }
    return this.orders.push({ state: "held", quantity, buyer, key });
  }

  #admits(instance: string, generation: number): boolean {
    if (generation < (this.generations.get(instance) ?? 0)) {
      return false;
    }
    this.generations.set(instance, generation);
    return true;
  }

  #sum(counts: (order: ModelOrder) => boolean): number {
    return this.orders.filter(counts).reduce((sum, order) => sum + order.quantity, 0);
  }

  #order(serial: number): ModelOrder {
    const order = this.orders[serial - 1];
    if (order === undefined) {
      throw new Error(`the model has no order ${serial}`);
    }
    return order;
  }
}
