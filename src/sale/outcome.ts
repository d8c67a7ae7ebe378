import type { SaleState } from "./sale.ts";

/** What a purchase request got. Exactly one of these, never a guess. */
export type Outcome =
  | Sold
  /** Nobody knows yet; the key is where to ask again. */
  | { readonly kind: "undecided"; readonly key: string }
  /** Nothing left at all. */
  | { readonly kind: "soldOut" }
  /** Fewer left than the quantity asked for. */
  | { readonly kind: "fewerLeft"; readonly left: number }
  /** Too early, paused or closed. */
  | { readonly kind: "notOnSale"; readonly state: SaleState; readonly opensAtMs: number }
  | { readonly kind: "limitReached"; readonly limit: number }
  /** Nothing was sent to the ledger: the queue is full, or the ledger is out of reach. */
  | { readonly kind: "busy"; readonly reason: BusyReason }
  | { readonly kind: "unknownSale" }
  /** The sale has a limit and the request names no buyer. */
  | { readonly kind: "buyerMissing" };

export interface Sold {
  readonly kind: "sold";
  readonly order: string;
  readonly serial: number;
  readonly quantity: number;
  readonly payByMs: number;
}

export type BusyReason = "queueFull" | "ledgerAway" | "ledgerRefused" | "notSentInTime";

export type OutcomeKind = Outcome["kind"];
