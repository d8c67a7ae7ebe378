import { keyPattern } from "../../sale/sale.ts";
import type { NodeMetrics } from "../metrics.ts";
import type { SaleDesk } from "../selling/sale-desk.ts";
import type { Answers } from "./answers.ts";

/** Shows a sale, and what became of a request. */
export class SaleHandlers {
  readonly #answers: Answers;
  readonly #metrics: NodeMetrics;

  constructor(answers: Answers, metrics: NodeMetrics) {
    this.#answers = answers;
    this.#metrics = metrics;
  }

  /** The sale's figures, read anew unless they are younger than a heartbeat. */
  async show(desk: SaleDesk): Promise<Response> {
    await desk.freshen();
    const { view } = desk;
    switch (view.kind) {
      case "known":
        return this.#answers.ofSale(view.snapshot);
      case "missing":
        return this.#answers.unknownSale();
      case "unknown":
        return this.#answers.busy();
    }
  }

  /**
   * The order of a buyer's request key, 202 while that is not decided, 404 if it has none. Another
   * buyer's same key is another request.
   */
  async requestStatus(desk: SaleDesk, key: string, request: Request): Promise<Response> {
    const buyer = request.headers.get("x-buyer-id") ?? "";
    if (!keyPattern.test(key) || (buyer !== "" && !keyPattern.test(buyer))) {
      this.#metrics.fault("badRequest");
      const what = keyPattern.test(key) ? "X-Buyer-Id" : "a request key";
      return this.#answers.bad(`${what} is 1 to 128 printable ASCII characters`);
    }
    const status = await desk.requestStatus(buyer, key);
    switch (status.kind) {
      case "sold":
        return this.#answers.ofOrder(desk.sale, status.order);
      case "undecided":
        return this.#answers.undecided(desk.sale, key);
      case "absent":
        return this.#answers.notFound();
      case "busy":
        return this.#answers.busy();
    }
  }
}
