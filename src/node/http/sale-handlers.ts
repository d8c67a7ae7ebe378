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

  /** The order of a request key, 202 while that is not decided, 404 if it has none. */
  async requestStatus(desk: SaleDesk, key: string): Promise<Response> {
    if (!keyPattern.test(key)) {
      this.#metrics.fault("badRequest");
      return this.#answers.bad("a request key is 1 to 128 printable ASCII characters");
    }
    const status = await desk.requestStatus(key);
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
