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
    if (this.#isSoldOutForAll(desk, request)) {
      return this.#answer(desk.sale, soldOut, startedNs);
    }
    if (declaresTooLarge(request)) {
      return this.#refuse(this.#answers.tooLarge());
    }
    return this.#buy(desk, request, 1, startedNs);
  }

  /** As many tickets as the body asks for; one without a body. */
  buy(desk: SaleDesk, request: Request): Response | Promise<Response> {
    const startedNs = Bun.nanoseconds();
    if (this.#isSoldOutForAll(desk, request)) {
      return this.#answer(desk.sale, soldOut, startedNs);
    }
    if (declaresNoBody(request)) {
      return this.#buy(desk, request, 1, startedNs);
    }
    return this.#buyWithBody(desk, request, startedNs);
  }

  /**
   * The shortest way to the answer that nearly everybody gets: nothing else of the request is read.
   */
  #isSoldOutForAll(desk: SaleDesk, request: Request): boolean {
    return desk.latched && request.headers.get("idempotency-key") === null;
  }

  async #buyWithBody(desk: SaleDesk, request: Request, startedNs: number): Promise<Response> {
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
    return this.#buy(desk, request, given.quantity ?? 1, startedNs);
  }

  #buy(
    desk: SaleDesk,
    request: Request,
    quantity: number,
    startedNs: number,
  ): Response | Promise<Response> {
    const key = request.headers.get("idempotency-key");
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

/** The id that Nginx gave the request (`$request_id`), or null. */
function requestIdOf(request: Request): string | null {
  const id = request.headers.get("x-request-id");
  return id !== null && /^[0-9a-f]{32}$/.test(id) ? id : null;
}
