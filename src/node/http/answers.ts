import type { OrderRecord } from "../../sale/order.ts";
import type { Outcome, Sold } from "../../sale/outcome.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import { type Locale, messages } from "./messages.ts";

/** Seconds after which a client that was told "undecided" or "busy" should ask again. */
const retryAfterSeconds = "1";

/**
 * Turns outcomes into HTTP answers, as the table in README.md says. Codes and statuses are named
 * here and nowhere else. Answers that are always the same are made of prepared parts, since the
 * crowd that gets nothing is most of the crowd.
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
    this.#soldOutInit = { status: 410, headers: this.#soldOutHeaders };
    this.#soldOutBody = body(-1, this.#messages.soldOut, null);
  }

  /**
   * From now on every answer asks its connection to be closed, and Bun closes it: Nginx lets go of
   * the connections that it keeps to this node. It costs nothing until then.
   */
  close(): void {
    const prepared = [this.#plain, this.#retry, this.#soldOutHeaders];
    for (const headers of prepared) {
      headers.set("Connection", "close");
    }
    this.#headers["Connection"] = "close";
  }

  /** The answer to a purchase. */
  ofPurchase(sale: string, outcome: Outcome): Response {
    const text = this.#messages;
    switch (outcome.kind) {
      case "sold":
        return this.#sold(201, sale, outcome);
      case "undecided":
        return this.undecided(sale, outcome.key);
      case "soldOut":
        return new Response(this.#soldOutBody, this.#soldOutInit);
      case "fewerLeft":
        return this.#json(409, body(-6, text.fewerLeft, { left: outcome.left }));
      case "notOnSale": {
        const { state, opensAtMs } = outcome;
        return this.#json(403, body(-2, text.notOnSale, { state, opensAt: isoOrNull(opensAtMs) }));
      }
      case "limitReached":
        return this.#json(409, body(-3, text.limitReached, { limit: outcome.limit }));
      case "busy":
        return this.busy();
      case "unknownSale":
        return this.#json(404, body(-5, text.unknownSale, null));
      case "buyerMissing":
        return this.#json(400, body(-5, text.buyerMissing, null));
    }
  }

  undecided(sale: string, key: string): Response {
    const headers = new Headers(this.#retry);
    headers.set("Location", `/sales/${sale}/requests/${encodeURIComponent(key)}`);
    return new Response(body(0, this.#messages.undecided, { key }), { status: 202, headers });
  }

  busy(): Response {
    return new Response(body(-4, this.#messages.busy, null), { status: 503, headers: this.#retry });
  }

  /** What became of a request that was sold: the body of the purchase's own answer. */
  ofOrder(sale: string, { order, serial, quantity, payByMs }: OrderRecord): Response {
    return this.#sold(200, sale, { kind: "sold", order, serial, quantity, payByMs });
  }

  /** An order as it is now: shown, or just paid or cancelled. */
  ofOrderState(sale: string, record: OrderRecord): Response {
    const { order, serial, quantity, state, cause } = record;
    const data = {
      order,
      serial,
      sale,
      quantity,
      state,
      cause,
      heldAt: isoOf(record.heldAtMs),
      payBy: isoOf(record.payByMs),
      changedAt: isoOf(record.changedAtMs),
    };
    return this.#json(200, body(1, this.#messages[state], data));
  }

  /** Nobody knows yet whether a payment or a cancellation was done. */
  undecidedOrder(order: string): Response {
    const headers = new Headers(this.#retry);
    headers.set("Location", `/orders/${order}`);
    const text = body(0, this.#messages.undecided, { order });
    return new Response(text, { status: 202, headers });
  }

  unknownOrder(): Response {
    return this.#json(404, body(-5, this.#messages.unknownOrder, null));
  }

  /** Tells the payment system to give the money back. */
  refund(): Response {
    return this.#json(409, body(-7, this.#messages.refund, null));
  }

  alreadyPaid(): Response {
    return this.#json(409, body(-8, this.#messages.alreadyPaid, null));
  }

  unsigned(): Response {
    return this.#json(401, body(-9, this.#messages.unsigned, null));
  }

  ofSale(snapshot: SaleSnapshot): Response {
    const { opensAtMs, holdMs, ...rest } = snapshot;
    const data = { ...rest, holdSeconds: holdMs / 1_000, opensAt: isoOrNull(opensAtMs) };
    const headers = new Headers(this.#headers);
    headers.set("Cache-Control", "max-age=1");
    return new Response(JSON.stringify(data), { status: 200, headers });
  }

  /** A fault of the request; `reason` is one sentence for who sent it. */
  bad(reason: string): Response {
    return this.#json(400, body(-5, `${this.#messages.badRequest}: ${reason}`, null));
  }

  tooLarge(): Response {
    return this.#json(413, body(-5, this.#messages.tooLarge, null));
  }

  notFound(): Response {
    return this.#json(404, body(-5, this.#messages.notFound, null));
  }

  unknownSale(): Response {
    return this.#json(404, body(-5, this.#messages.unknownSale, null));
  }

  methodNotAllowed(allow: string): Response {
    const headers = new Headers(this.#headers);
    headers.set("Allow", allow);
    const text = body(-5, this.#messages.methodNotAllowed, null);
    return new Response(text, { status: 405, headers });
  }

  /** A fault of ours. The purchase may have been decided, so it is not called anything else. */
  internal(): Response {
    return new Response(body(-4, this.#messages.busy, null), { status: 500, headers: this.#retry });
  }

  /** `{"status":...}` for probes: 200 or 503. */
  health(ok: boolean, status: string): Response {
    return this.#json(ok ? 200 : 503, JSON.stringify({ status }));
  }

  #sold(status: number, sale: string, sold: Sold): Response {
    // Order, sale and numbers need no escaping: see saleIdPattern and hold.lua.
    return this.#json(
      status,
      `{"code":1,"msg":"${this.#messages.sold}","data":{"order":"${sold.order}",` +
        `"serial":${sold.serial},"sale":"${sale}","quantity":${sold.quantity},` +
        `"payBy":"${isoOf(sold.payByMs)}"}}`,
    );
  }

  #json(status: number, text: string): Response {
    return new Response(text, { status, headers: this.#plain });
  }
}

function body(code: number, msg: string, data: unknown): string {
  return JSON.stringify({ code, msg, data });
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
