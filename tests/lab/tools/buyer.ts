import type { AttemptOutcome, CrowdCounts } from "./crowd-counts.ts";
import type { HttpAnswer } from "./http-answer.ts";
import {
  HttpConnection,
  type HttpRequest,
  NoAnswer,
  type Patience,
  type Server,
} from "./http-connection.ts";
import { epochMs } from "./stop.ts";

export interface BuyerOptions {
  readonly server: Server;
  readonly sale: string;
  readonly patience: Patience;
  /** A new connection for each request. */
  readonly fresh: boolean;
  /** So long a buyer goes on asking for what was not decided; 0: is told once and leaves it. */
  readonly settleMs: number;
  /** Its X-Buyer-Id: whose the keys are, so that a look-up needs it as a purchase does. */
  readonly name: string;
  /** Sent along with each request as well. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Between two attempts of one buyer: the Retry-After of one second would only draw tests out. */
const pauseMs = 100;

/** What a purchase came to; `undecided` where nobody could say within the time there was. */
type Decision = "soldOut" | "undecided" | { readonly order: string };

/**
 * A buyer as honest programs are: one name, one connection that is kept, a key of its own for each
 * purchase, and what got no answer is first asked for by its key and then sent again with the same key.
 */
export class Buyer {
  readonly #options: BuyerOptions;
  readonly #counts: CrowdCounts;
  #connection: HttpConnection | null = null;

  constructor(options: BuyerOptions, counts: CrowdCounts) {
    this.#options = options;
    this.#counts = counts;
  }

  /** Buys one ticket, and says whether there was none. */
  async buy(key: string): Promise<"soldOut" | "other"> {
    const deadlineMs = performance.now() + this.#options.settleMs;
    let decision = await this.#purchase(key);
    while (decision === "undecided" && performance.now() < deadlineMs) {
      await Bun.sleep(pauseMs);
      decision = await this.#ask(key);
      if (decision === "undecided") {
        decision = await this.#purchase(key);
      }
    }
    if (decision === "undecided") {
      this.#counts.gaveUp();
      return "other";
    }
    this.#counts.decided(key, decision === "soldOut" ? null : decision.order);
    return decision === "soldOut" ? "soldOut" : "other";
  }

  close(): void {
    this.#connection?.close();
  }

  async #purchase(key: string): Promise<Decision> {
    const { sale, headers, name } = this.#options;
    const sentMs = epochMs();
    try {
      const answer = await this.#request({
        method: "POST",
        path: `/sales/${sale}/orders`,
        headers: { ...headers, "X-Buyer-Id": name, "Idempotency-Key": key },
      });
      return decide(this.#counts.answered(key, answer, sentMs, epochMs()), answer);
    } catch (error) {
      if (!(error instanceof NoAnswer)) {
        throw error;
      }
      this.#counts.unanswered(key, error, sentMs, epochMs());
      return "undecided";
    }
  }

  /** Asks what became of a request. What is not known there never arrived, or has not yet. */
  async #ask(key: string): Promise<Decision> {
    const { sale, headers, name } = this.#options;
    try {
      const answer = await this.#request({
        method: "GET",
        path: `/sales/${sale}/requests/${encodeURIComponent(key)}`,
        headers: { ...headers, "X-Buyer-Id": name },
      });
      if (answer.status === 200) {
        this.#counts.found("sold");
        return { order: orderIn(answer) };
      }
      if (answer.status === 404) {
        this.#counts.found("absent");
      }
      return "undecided";
    } catch (error) {
      if (!(error instanceof NoAnswer)) {
        throw error;
      }
      return "undecided";
    }
  }

  async #request(request: HttpRequest): Promise<HttpAnswer> {
    const { server, patience, fresh } = this.#options;
    if (this.#connection === null || !this.#connection.usable || fresh) {
      this.#connection?.close();
      this.#connection = new HttpConnection(server, patience);
    }
    return await this.#connection.request(request);
  }
}

function decide(outcome: AttemptOutcome, answer: HttpAnswer): Decision {
  if (outcome === "sold") {
    return { order: orderIn(answer) };
  }
  return outcome === "soldOut" ? "soldOut" : "undecided";
}

function orderIn(answer: HttpAnswer): string {
  const order = /"order":"([^"]+)"/.exec(answer.body)?.[1];
  if (order === undefined) {
    throw new Error(`sold, without an order: ${answer.body}`);
  }
  return order;
}
