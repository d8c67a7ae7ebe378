import { type OrderIdParts, parseOrderId } from "../../sale/order.ts";
import type { OrderOutcome } from "../selling/order-desk.ts";
import type { SaleDesk } from "../selling/sale-desk.ts";
import type { SaleDesks } from "../selling/sale-desks.ts";
import type { Answers } from "./answers.ts";
import { readBody } from "./body.ts";
import { paymentIsSigned } from "./signature.ts";

export interface OrderHandlersOptions {
  readonly answers: Answers;
  readonly desks: SaleDesks;
  /** Null: no payment is accepted. */
  readonly paymentSecret: string | null;
}

/** Shows an order, has it paid or cancelled. The order's id names its sale. */
export class OrderHandlers {
  readonly #options: OrderHandlersOptions;

  constructor(options: OrderHandlersOptions) {
    this.#options = options;
  }

  show(id: string): Promise<Response> {
    const { answers } = this.#options;
    return this.#withOrder(id, async (desk, parts) => {
      const order = await desk.orders.read(parts);
      if (order === "busy") {
        return answers.busy();
      }
      return order === null
        ? answers.refusedOrder("unknownOrder")
        : answers.ofOrderState(desk.sale, order);
    });
  }

  cancel(id: string): Promise<Response> {
    return this.#withOrder(id, async (desk, parts) =>
      this.#answer(desk.sale, id, await desk.orders.cancel(parts)),
    );
  }

  /** What the payment system calls. The signature covers the body as it was sent. */
  async pay(id: string, request: Request): Promise<Response> {
    const { answers, paymentSecret } = this.#options;
    const body = await readBody(request);
    if (body === null) {
      return answers.tooLarge();
    }
    const signature = request.headers.get("x-sluice-signature");
    // By the wall clock, since the payment system signs by its own.
    const nowSeconds = Math.floor(Date.now() / 1_000);
    if (paymentSecret === null || !paymentIsSigned(paymentSecret, body, signature, nowSeconds)) {
      return answers.refusedOrder("unsigned");
    }
    return this.#withOrder(id, async (desk, parts) =>
      this.#answer(desk.sale, id, await desk.orders.confirm(parts)),
    );
  }

  async #withOrder(
    id: string,
    handle: (desk: SaleDesk, parts: OrderIdParts) => Promise<Response>,
  ): Promise<Response> {
    const { answers, desks } = this.#options;
    const parts = parseOrderId(id);
    if (parts === null) {
      return answers.refusedOrder("unknownOrder");
    }
    const desk = desks.open(parts.sale);
    return desk === null ? answers.busy() : handle(desk, parts);
  }

  #answer(sale: string, id: string, outcome: OrderOutcome): Response {
    const { answers } = this.#options;
    switch (outcome.kind) {
      case "done":
        return answers.ofOrderState(sale, outcome.order);
      case "unknownOrder":
      case "refund":
      case "alreadyPaid":
        return answers.refusedOrder(outcome.kind);
      case "undecided":
        return answers.undecidedOrder(id);
      case "busy":
        return answers.busy();
    }
  }
}
