import type { Ledger, Unreadable } from "../../ledger/ledger.ts";
import type { OrderRecord } from "../../sale/order.ts";
import type { BusyReason } from "../../sale/outcome.ts";
import { Batcher } from "./batcher.ts";
import { unreadableRecord } from "./pending-request.ts";
import type { SaleTokens } from "./sale-reading.ts";

/** What became of a request. */
export type RequestStatus =
  | { readonly kind: "sold"; readonly order: OrderRecord }
  /** It is under way, or sold without the durability asked for. */
  | { readonly kind: "undecided" }
  /** It has no order. */
  | { readonly kind: "absent" }
  | { readonly kind: "busy"; readonly reason: BusyReason };

export interface RequestLookupOptions {
  readonly sale: string;
  readonly ledger: Ledger;
  /** Questions that wait; beyond that: busy. */
  readonly queueMax: number;
  readonly nowMs: () => number;
  /** Those of many tokens with which a request waits or is under way on this node. */
  readonly pendingAmong: (tokens: ReadonlySet<string>) => ReadonlySet<string>;
  /** What tokens are made with now. */
  readonly tokens: () => SaleTokens;
  readonly onFault: (reason: string) => void;
}

/** Requests in one script. */
const batchMax = 500;

/** A request of which somebody asks what became. */
export interface RequestName {
  /** Empty where it named no buyer. */
  readonly buyer: string;
  readonly key: string;
}

interface Found {
  readonly order: OrderRecord | Unreadable | null;
  readonly durable: boolean;
  /** It has no order, but waits or is under way here. */
  readonly pending: boolean;
}

/**
 * Asks the ledger what became of requests, by their tokens. These are made when a batch is sent, so
 * that it never has those of a secret that its sale had before it was made anew.
 */
export class RequestLookup {
  readonly #batcher: Batcher<RequestName, Found>;

  constructor({ sale, ledger, pendingAmong, tokens, ...options }: RequestLookupOptions) {
    this.#batcher = new Batcher({
      ...options,
      batchMax,
      // Whoever asks can ask again; a purchase is answered sooner this way.
      repeatForMs: 0,
      send: async (requests) => {
        const { secretId, maker } = tokens();
        if (maker === null) {
          return { kind: "notSent", reason: "lookup: the sale's secret is not known" };
        }
        const asked = requests.map(({ buyer, key }) => maker.token(buyer, key));
        const reply = await ledger.lookup(sale, secretId, asked);
        if (reply.kind !== "ok") {
          return reply;
        }
        const { orders, durable } = reply.value ?? { orders: [], durable: true };
        if (orders.some((order) => order !== null && "kind" in order)) {
          options.onFault(unreadableRecord);
        }
        // Replies come in order: what is sold after this one was made is still under way now.
        const pending = pendingAmong(new Set(asked.filter((_, i) => (orders[i] ?? null) === null)));
        const value = asked.map((token, i): Found => ({
          order: orders[i] ?? null,
          durable,
          pending: pending.has(token),
        }));
        return { kind: "ok", value };
      },
    });
  }

  /** Settles within the ledger's time limit for each batch ahead; never rejects. */
  async status(request: RequestName): Promise<RequestStatus> {
    const reply = await this.#batcher.ask(request);
    switch (reply.kind) {
      case "answer": {
        const { order, durable, pending } = reply.answer;
        if (order === null) {
          return { kind: pending ? "undecided" : "absent" };
        }
        if ("kind" in order) {
          return { kind: "undecided" };
        }
        return durable ? { kind: "sold", order } : { kind: "undecided" };
      }
      // A question changes nothing, so whether it was asked is all the same.
      case "undecided":
      case "away":
        return { kind: "busy", reason: "ledgerAway" };
      case "full":
        return { kind: "busy", reason: "queueFull" };
    }
  }
}
