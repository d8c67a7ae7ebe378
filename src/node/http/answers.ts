import { type AnswerName, answerTable } from "../../sale/codes.ts";
import { orderId, type OrderRecord } from "../../sale/order.ts";
import type { Outcome, Sold } from "../../sale/outcome.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import { type Locale, messages } from "./messages.ts";

/** Seconds after which a client that got "undecided" or "busy" should ask again. */
const retryAfterSeconds = "1";

/**
 * Turns outcomes into HTTP answers, by the table in src/sale/codes.ts. Answers that are always the
 * same are made of prepared parts, since the crowd that gets nothing is most of the crowd.
 */
export class Answers {
  readonly #headers: Record<string, string>;
  readonly #messages: (typeof messages)[Locale];
  readonly #plain: Headers;
  readonly #retry: Headers;
  readonly #soldOutHeaders: Headers;
  readonly #soldOutInit: ResponseInit;
  readonly #soldOutBody: string;

  constructor(node: string, locale: Locale) {
    this.#messages = messages[locale];
    this.#headers = {
      "Content-Type": "application/json; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Sluice-Node": node,
    };
    this.#plain = new Headers(this.#headers);
    this.#retry = new Headers({ ...this.#headers, "Retry-After": retryAfterSeconds });
    // Nginx may keep this one answer for a second; see nginx/.
    this.#soldOutHeaders = new Headers({ ...this.#headers, "X-Accel-Expires": "1" });
    this.#soldOutInit = { status: answerTable.soldOut.status, headers: this.#soldOutHeaders };
    this.#soldOutBody = this.#body("soldOut", null);
  }

  /**
   * From now on every answer asks its connection to be closed, and Bun closes it: Nginx lets go of
   * the connections that it keeps to this node. It costs nothing until then.
   */
  closeConnections(): void {
    const prepared = [this.#plain, this.#retry, this.#soldOutHeaders];
    for (const headers of prepared) {
      headers.set("Connection", "close");
    }
    this.#headers["Connection"] = "close";
  }

  /** The answer to a purchase. */
  ofPurchase(sale: string, outcome: Outcome): Response {
    switch (outcome.kind) {
      case "sold":
        return this.#sold(answerTable.sold.status, sale, outcome);
      case "soldOut":
        return new Response(this.#soldOutBody, this.#soldOutInit);
      case "undecided":
        return this.undecided(sale, outcome.key);
      case "busy":
        return this.busy();
      case "fewerLeft":
        return this.#answer("fewerLeft", { left: outcome.left });
      case "limitReached":
        return this.#answer("limitReached", { limit: outcome.limit });
      case "notOnSale": {
        const { state, opensAtMs } = outcome;
        return this.#answer("notOnSale", { state, opensAt: isoOrNull(opensAtMs) });
      }
      case "unknownSale":
      case "buyerMissing":
        return this.#answer(outcome.kind);
    }
  }

  undecided(sale: string, key: string): Response {
    return this.#undecided(`/sales/${sale}/requests/${encodeURIComponent(key)}`, { key });
  }

  /** Nobody knows yet whether a payment or a cancellation was done. */
  undecidedOrder(order: string): Response {
    return this.#undecided(`/orders/${order}`, { order });
  }

  busy(): Response {
    return this.#answer("busy", null, this.#retry);
  }

  /** What became of a request that was sold: the body of the purchase's own answer. */
  ofOrder(sale: string, record: OrderRecord): Response {
    const { serial, quantity, payByMs } = record;
    const order = orderId(sale, record);
    return this.#sold(200, sale, { kind: "sold", order, serial, quantity, payByMs });
  }

  /** An order as it is now: shown, or just paid or cancelled. */
  ofOrderState(sale: string, record: OrderRecord): Response {
    const { serial, quantity, state, cause } = record;
    return this.#answer(state, {
      order: orderId(sale, record),
      serial,
      sale,
      quantity,
      state,
      cause,
      heldAt: isoOf(record.heldAtMs),
      payBy: isoOf(record.payByMs),
      changedAt: isoOf(record.changedAtMs),
    });
  }

  /** Why there is no order to show, to pay or to cancel. `refund`: give the money back. */
  refusedOrder(name: "unknownOrder" | "refund" | "alreadyPaid" | "unsigned"): Response {
    return this.#answer(name);
  }

  ofSale(snapshot: SaleSnapshot): Response {
    const { opensAtMs, holdMs, secretId: _, ...rest } = snapshot;
    const data = { ...rest, holdSeconds: holdMs / 1_000, opensAt: isoOrNull(opensAtMs) };
    const headers = new Headers(this.#headers);
    headers.set("Cache-Control", "max-age=1");
    return new Response(JSON.stringify(data), { status: 200, headers });
  }

  unknownSale(): Response {
    return this.#answer("unknownSale");
  }

  /** A fault of the request; `reason` is one sentence for who sent it. */
  bad(reason: string): Response {
    const { status, code } = answerTable.badRequest;
    const msg = `${this.#messages.badRequest}: ${reason}`;
    return this.#json(status, JSON.stringify({ code, msg, data: null }), this.#plain);
  }

  tooLarge(): Response {
    return this.#answer("tooLarge");
  }

  notFound(): Response {
    return this.#answer("notFound");
  }

  /** `allow`: the methods that there are. */
  methodNotAllowed(allow: string): Response {
    const headers = new Headers(this.#headers);
    headers.set("Allow", allow);
    return this.#answer("methodNotAllowed", null, headers);
  }

  /** A fault of ours. The purchase may have been decided, so it is not called anything else. */
  internal(): Response {
    return this.#answer("internal", null, this.#retry);
  }

  /** `{"status":...}` for probes: 200 or 503. */
  health(ok: boolean, status: string): Response {
    return this.#json(ok ? 200 : 503, JSON.stringify({ status }), this.#plain);
  }

  #sold(status: number, sale: string, sold: Sold): Response {
    // Order, sale and numbers need no escaping: see saleIdPattern and hold.lua.
    return this.#json(
      status,
      `{"code":${answerTable.sold.code},"msg":"${this.#messages.sold}",` +
        `"data":{"order":"${sold.order}","serial":${sold.serial},"sale":"${sale}",` +
        `"quantity":${sold.quantity},"payBy":"${isoOf(sold.payByMs)}"}}`,
      this.#plain,
    );
  }

  /** Where to ask again is `location`. */
  #undecided(location: string, data: unknown): Response {
    const headers = new Headers(this.#retry);
    headers.set("Location", location);
    return this.#answer("undecided", data, headers);
  }

  #answer(name: AnswerName, data: unknown = null, headers: Headers = this.#plain): Response {
    return this.#json(answerTable[name].status, this.#body(name, data), headers);
  }

  #body(name: AnswerName, data: unknown): string {
    return JSON.stringify({ code: answerTable[name].code, msg: this.#messages[name], data });
  }

  #json(status: number, text: string, headers: Headers): Response {
    return new Response(text, { status, headers });
  }
}

let isoMs = Number.NaN;
let isoText = "";

/** ISO 8601; all orders of one batch have the same time, so the last one is remembered. */
function isoOf(ms: number): string {
  if (ms !== isoMs) {
    isoMs = ms;
    isoText = new Date(ms).toISOString();
  }
  return isoText;
}

function isoOrNull(ms: number): string | null {
  return ms === 0 ? null : isoOf(ms);
}
