import type { OrderCause, OrderState } from "../../../src/sale/order.ts";

/** The life of orders without Redis, in the least words: what the scripts are held against. */
export interface ModelOrder {
  readonly quantity: number;
  readonly buyer: string;
  readonly payByMs: number;
  state: OrderState;
  cause: OrderCause;
  revision: number;
}

export type Outcome = "paid" | "released" | "refund" | "alreadyPaid" | "unknown";

export class OrderModel {
  readonly total: number;
  epochs = 0;
  readonly orders = new Map<string, ModelOrder>();

  constructor(total: number) {
    this.total = total;
  }

  count(state: ModelOrder["state"]): number {
    return [...this.orders.values()]
      .filter((order) => order.state === state)
      .reduce((sum, { quantity }) => sum + quantity, 0);
  }

  get left(): number {
    return this.total - this.count("held") - this.count("paid");
  }

  /** Tickets held or paid, by buyer. */
  get buyers(): Record<string, string> {
    const counts: Record<string, number> = {};
    for (const { buyer, quantity, state } of this.orders.values()) {
      if (state !== "released") {
        counts[buyer] = (counts[buyer] ?? 0) + quantity;
      }
    }
    return Object.fromEntries(Object.entries(counts).map(([buyer, n]) => [buyer, String(n)]));
  }

  hold(key: string, buyer: string, quantity: number, payByMs: number): void {
    if (!this.orders.has(key) && quantity <= this.left) {
      this.orders.set(key, { quantity, buyer, payByMs, state: "held", cause: "held", revision: 1 });
    }
  }

  confirm(keys: readonly string[]): Outcome[] {
    return keys.map((key) => {
      const order = this.orders.get(key);
      if (order === undefined) {
        return "unknown";
      }
      // What was cancelled is gone for good; what lapsed is revived while there is stock.
      const gone = order.cause === "cancelled" || order.quantity > this.left;
      if (order.state === "released" && gone) {
        return "refund";
      }
      if (order.state !== "paid") {
        order.cause = order.state === "held" ? "paid" : "revived";
        order.state = "paid";
        order.revision += 1;
      }
      return "paid";
    });
  }

  /** One script: the epoch grows at most once. */
  release(
    keys: readonly string[],
    cause: "cancelled" | "lapsed",
  ): { outcomes: Outcome[]; released: number } {
    const { left } = this;
    let released = 0;
    const outcomes = keys.map((key): Outcome => {
      const order = this.orders.get(key);
      if (order === undefined) {
        return "unknown";
      }
      if (order.state === "paid") {
        return "alreadyPaid";
      }
      if (order.state === "held") {
        order.state = "released";
        order.cause = cause;
        order.revision += 1;
        released += 1;
      }
      return "released";
    });
    this.epochs += released > 0 && left === 0 ? 1 : 0;
    return { outcomes, released };
  }

  /** Keys of the holds that are overdue. */
  due(nowMs: number): string[] {
    return [...this.orders]
      .filter(([, order]) => order.state === "held" && order.payByMs <= nowMs)
      .map(([key]) => key);
  }
}
