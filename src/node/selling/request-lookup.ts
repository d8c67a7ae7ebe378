import type { Ledger } from "../../ledger/ledger.ts";
import type { OrderRecord } from "../../sale/order.ts";
import type { BusyReason } from "../../sale/outcome.ts";
import { Batcher } from "./batcher.ts";

/** What became of a request with a key. */
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
  /** Whether a request with this key waits or is under way on this node. */
  readonly isPending: (key: string) => boolean;
  readonly onFault: (reason: string) => void;
}

/** Keys in one script. */
const batchMax = 500;

interface Found {
  readonly order: OrderRecord | null;
  readonly durable: boolean;
}

/** Asks the ledger what became of requests, by their keys. */
export class RequestLookup {
  readonly #isPending: (key: string) => boolean;
  readonly #batcher: Batcher<string, Found>;

  constructor({ sale, ledger, isPending, ...options }: RequestLookupOptions) {
    this.#isPending = isPending;
    this.#batcher = new Batcher({
      ...options,
      batchMax,
      // Whoever asks can ask again; a purchase is answered sooner this way.
      repeatForMs: 0,
      send: async (keys) => {
        const reply = await ledger.lookup(sale, keys);
        if (reply.kind !== "ok") {
          return reply;
        }
        const { orders = keys.map(() => null), durable = true } = reply.value ?? {};
        return { kind: "ok", value: orders.map((order) => ({ order, durable })) };
      },
    });
  }

  /** Settles within the ledger's time limit for each batch ahead; never rejects. */
  async status(key: string): Promise<RequestStatus> {
    const reply = await this.#batcher.ask(key);
    switch (reply.kind) {
      case "answer": {
        const { order, durable } = reply.answer;
        if (order === null) {
          return { kind: this.#isPending(key) ? "undecided" : "absent" };
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
