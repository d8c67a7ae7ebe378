import Type from "typebox";
import { Compile } from "typebox/compile";

import type { Outcome } from "../../sale/outcome.ts";
import { keyPattern, quantityMax } from "../../sale/sale.ts";
import type { NodeMetrics } from "../metrics.ts";
import type { SaleDesk } from "../selling/sale-desk.ts";
import type { Answers } from "./answers.ts";
import { declaresNoBody, declaresTooLarge, readBody } from "./body.ts";

const orderBody = Compile(
  Type.Object(
    { quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: quantityMax })) },
    { additionalProperties: false },
  ),
);

const soldOut: Outcome = { kind: "soldOut" };

/** Reads purchases, has the desk of their sale decide them, and counts what they came to. */
export class PurchaseHandlers {
  readonly #answers: Answers;
  readonly #metrics: NodeMetrics;

  constructor(answers: Answers, metrics: NodeMetrics) {
    this.#answers = answers;
    this.#metrics = metrics;
  }

  /** One ticket; a body means nothing here, but a large one is refused. */
  buyOne(desk: SaleDesk, request: Request): Response | Promise<Response> {
    const startedNs = Bun.nanoseconds();
    const key = request.headers.get("idempotency-key");
    if (isSurelySoldOut(desk, request, key)) {
      return this.#answer(desk.sale, soldOut, startedNs);
    }
    if (declaresTooLarge(request)) {
      return this.#refuse(this.#answers.tooLarge());
    }
    return this.#buy(desk, request, key, 1, startedNs);
  }

  /** As many tickets as the body asks for; one without a body. */
  buy(desk: SaleDesk, request: Request): Response | Promise<Response> {
    const startedNs = Bun.nanoseconds();
    const key = request.headers.get("idempotency-key");
    if (isSurelySoldOut(desk, request, key)) {
      return this.#answer(desk.sale, soldOut, startedNs);
    }
    if (declaresNoBody(request)) {
      return this.#buy(desk, request, key, 1, startedNs);
    }
    return this.#buyWithBody(desk, request, key, startedNs);
  }

  async #buyWithBody(
    desk: SaleDesk,
    request: Request,
    key: string | null,
    startedNs: number,
  ): Promise<Response> {
    const text = await readBody(request);
    if (text === null) {
      return this.#refuse(this.#answers.tooLarge());
    }
    let given: unknown = {};
    try {
      given = text === "" ? {} : JSON.parse(text);
    } catch {
      return this.#bad('the body is not JSON; send {"quantity":1} or nothing');
    }
    if (!orderBody.Check(given)) {
      return this.#bad(
        `the body must be {"quantity":N}, N a whole number from 1 to ${quantityMax}`,
      );
    }
    return this.#buy(desk, request, key, given.quantity ?? 1, startedNs);
  }

  #buy(
    desk: SaleDesk,
    request: Request,
    key: string | null,
    quantity: number,
    startedNs: number,
  ): Response | Promise<Response> {
    if (key !== null && !keyPattern.test(key)) {
      return this.#bad("Idempotency-Key must be 1 to 128 printable ASCII characters");
    }
    const buyer = request.headers.get("x-buyer-id") ?? "";
    if (buyer !== "" && !keyPattern.test(buyer)) {
      return this.#bad("X-Buyer-Id must be 1 to 128 printable ASCII characters");
    }
    const purchase = { key, buyer, quantity };
    const outcome = desk.decide(purchase);
    if (outcome !== null) {
      return this.#answer(desk.sale, outcome, startedNs);
    }
    const asked = key === null ? { ...purchase, requestId: requestIdOf(request) } : purchase;
    // One promise a request, not two: on the sold path they are a tenth of the time.
    return new Promise((resolve) => {
      desk.ask(asked, (decided) => resolve(this.#answer(desk.sale, decided, startedNs)));
    });
  }

  #answer(sale: string, outcome: Outcome, startedNs: number): Response {
    this.#metrics.purchase(outcome.kind, Bun.nanoseconds() - startedNs);
    return this.#answers.ofPurchase(sale, outcome);
  }

  #bad(reason: string): Response {
    return this.#refuse(this.#answers.bad(reason));
  }

  #refuse(answer: Response): Response {
    this.#metrics.fault("badRequest");
    return answer;
  }
}

/**
 * The shortest way to the answer that nearly everybody gets: nothing else of the request is read. What
 * is malformed goes the usual way, where it is refused with a reason.
 */
function isSurelySoldOut(desk: SaleDesk, request: Request, key: string | null): boolean {
  if (!desk.latched) {
    return false;
  }
  if (key === null) {
    return true;
  }
  const buyer = request.headers.get("x-buyer-id") ?? "";
  const isSound = keyPattern.test(key) && (buyer === "" || keyPattern.test(buyer));
  return isSound && desk.isUnsold(buyer, key);
}

/** The id that Nginx gave the request (`$request_id`), or null. */
function requestIdOf(request: Request): string | null {
  const id = request.headers.get("x-request-id");
  return id !== null && /^[0-9a-f]{32}$/.test(id) ? id : null;
}
