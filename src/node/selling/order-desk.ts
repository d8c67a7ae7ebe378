import type { ChangeReply, Ledger, Observation, OrderChange, Reply } from "../../ledger/ledger.ts";
import type { OrderRecord, OrderRef } from "../../sale/order.ts";
import { Batcher, type BatcherAnswer } from "./batcher.ts";
import { unreadableRecord } from "./pending-request.ts";

export interface OrderDeskOptions {
  readonly sale: string;
  readonly ledger: Ledger;
  readonly queueMax: number;
  readonly deadlineMs: number;
  readonly nowMs: () => number;
  /** A reply reported what is left; a cancelled hold may have opened the sale again. */
  readonly onObservation: (seen: Observation) => void;
  readonly onFault: (fault: string) => void;
}

/** What became of a payment or a cancellation. */
export type OrderOutcome =
  | Exclude<OrderChange, { kind: "unreadable" }>
  /** Nobody knows yet whether it was done; repeating it is harmless. */
  | { readonly kind: "undecided" }
  /** Not done: the ledger is out of reach, or too many wait. */
  | { readonly kind: "busy" };

type Change = { readonly result: OrderChange; readonly durable: boolean };

/** Orders in one script. */
const batchMax = 250;

/** Payments, cancellations and questions about the orders of one sale. */
export class OrderDesk {
  readonly #options: OrderDeskOptions;
  readonly #confirm: Batcher<OrderRef, Change>;
  readonly #cancel: Batcher<OrderRef, Change>;
  /** Readings under way. */
  #readings = 0;

  constructor(options: OrderDeskOptions) {
    this.#options = options;
    const { sale, ledger } = options;
    this.#confirm = this.#batcher((orders) => ledger.confirm(sale, orders));
    this.#cancel = this.#batcher((orders) => ledger.cancel(sale, orders));
  }

  /** Confirms an order as paid. Settles around the deadline at the latest. */
  async confirm(order: OrderRef): Promise<OrderOutcome> {
    return outcomeOf(await this.#confirm.ask(order));
  }

  /** Cancels a hold. Settles around the deadline at the latest. */
  async cancel(order: OrderRef): Promise<OrderOutcome> {
    return outcomeOf(await this.#cancel.ask(order));
  }

  /** The order, null if there is none with this serial and token, or "busy". */
  async read(order: OrderRef): Promise<OrderRecord | null | "busy"> {
    const { sale, ledger, queueMax } = this.#options;
    if (this.#readings >= queueMax) {
      return "busy";
    }
    this.#readings += 1;
    const reply = await ledger.readOrder(sale, order);
    this.#readings -= 1;
    if (reply.kind !== "ok") {
      this.#options.onFault(`${reply.kind}: ${reply.reason}`);
      return "busy";
    }
    return reply.value;
  }

  #batcher(
    send: (orders: readonly OrderRef[]) => Promise<Reply<ChangeReply | null>>,
  ): Batcher<OrderRef, Change> {
    const { queueMax, deadlineMs, nowMs, onFault, onObservation } = this.#options;
    return new Batcher<OrderRef, Change>({
      batchMax,
      queueMax,
      repeatForMs: deadlineMs,
      nowMs,
      onFault,
      send: async (orders) => {
        const reply = await send(orders);
        if (reply.kind !== "ok") {
          return reply;
        }
        const changes = reply.value;
        if (changes === null) {
          const result: OrderChange = { kind: "unknownOrder" };
          return { kind: "ok", value: orders.map(() => ({ result, durable: true })) };
        }
        onObservation(changes);
        const { durable } = changes;
        if (changes.results.some(({ kind }) => kind === "unreadable")) {
          onFault(unreadableRecord);
        }
        return { kind: "ok", value: changes.results.map((result) => ({ result, durable })) };
      },
    });
  }
}

function outcomeOf(answer: BatcherAnswer<Change>): OrderOutcome {
  switch (answer.kind) {
    case "answer": {
      const { result, durable } = answer.answer;
      if (result.kind === "unreadable") {
        return { kind: "undecided" };
      }
      return result.kind === "done" && !durable ? { kind: "undecided" } : result;
    }
    case "undecided":
      return { kind: "undecided" };
    case "away":
    case "full":
      return { kind: "busy" };
  }
}
