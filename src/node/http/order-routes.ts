import { type OrderIdParts, parseOrderId } from "../../sale/order.ts";
import type { OrderOutcome } from "../selling/order-desk.ts";
import type { SaleDesk } from "../selling/sale-desk.ts";
import type { SaleDesks } from "../selling/sale-desks.ts";
import type { Answers } from "./answers.ts";
import { paymentIsSigned } from "./signature.ts";

export interface OrderRoutesOptions {
  readonly answers: Answers;
  readonly desks: SaleDesks;
  /** Null: no payment is accepted. */
  readonly paymentSecret: string | null;
  readonly bodyMaxBytes: number;
  /** By the wall clock, since the payment system signs by its own. */
  readonly nowSeconds: () => number;
}

type OrderRequest = Bun.BunRequest<"/orders/:order"> | Bun.BunRequest<"/orders/:order/payment">;

/** Routes of `/orders/...`: show, pay, cancel. */
export function orderRoutes(options: OrderRoutesOptions) {
  const { answers, desks } = options;
  const named =
    (handle: (desk: SaleDesk, id: string, parts: OrderIdParts) => Promise<Response>) =>
    async (request: OrderRequest): Promise<Response> => {
      const id = request.params.order;
      const parts = parseOrderId(id);
      if (parts === null) {
        return answers.unknownOrder();
      }
      const desk = desks.open(parts.sale);
      return desk === null ? answers.busy() : handle(desk, id, parts);
    };
  const show = named(async (desk, id, parts) => {
    const order = await desk.orders.read(id, parts);
    if (order === "busy") {
      return answers.busy();
    }
    return order === null ? answers.unknownOrder() : answers.ofOrderState(desk.sale, order);
  });
  const cancel = named(async (desk, id, parts) =>
    answer(answers, desk.sale, id, await desk.orders.cancel(parts)),
  );
  const pay = named(async (desk, id, parts) =>
    answer(answers, desk.sale, id, await desk.orders.confirm(parts)),
  );
  const signedPay = async (request: Bun.BunRequest<"/orders/:order/payment">) => {
    const refusal = await refusePayment(options, request);
    return refusal ?? pay(request);
  };
  return {
    "/orders/:order": { GET: show, HEAD: show, DELETE: cancel },
    "/orders/:order/payment": { POST: signedPay },
  };
}

/** Why a payment is not even looked at, or null. The signature covers the body as it was sent. */
async function refusePayment(
  options: OrderRoutesOptions,
  request: Request,
): Promise<Response | null> {
  const { answers, paymentSecret, bodyMaxBytes, nowSeconds } = options;
  if (Number(request.headers.get("content-length")) > bodyMaxBytes) {
    return answers.tooLarge();
  }
  const body = await request.text();
  if (body.length > bodyMaxBytes) {
    return answers.tooLarge();
  }
  const signature = request.headers.get("x-sluice-signature");
  const signed =
    paymentSecret !== null && paymentIsSigned(paymentSecret, body, signature, nowSeconds());
  return signed ? null : answers.unsigned();
}

function answer(answers: Answers, sale: string, id: string, outcome: OrderOutcome): Response {
  switch (outcome.kind) {
    case "done":
      return answers.ofOrderState(sale, outcome.order);
    case "unknownOrder":
      return answers.unknownOrder();
    case "refund":
      return answers.refund();
    case "alreadyPaid":
      return answers.alreadyPaid();
    case "undecided":
      return answers.undecidedOrder(id);
    case "busy":
      return answers.busy();
  }
}
