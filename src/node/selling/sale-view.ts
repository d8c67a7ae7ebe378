import type { Outcome } from "../../sale/outcome.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";

/**
 * What a node knows of a sale. The newest event decides, whatever was known before:
 *
 *                     the ledger reported the sale
 *             ,------------------------------------> known
 *             |
 *     any ----+------ the ledger has no such sale -> missing
 *             |
 *             |       no answer, to a heartbeat either; or the
 *             '------ connection was lost or came back --------> unknown <---- start
 *
 * `known`: purchases are refused from memory where `closedOutcome` says so; else the ledger
 * decides.
 * `missing`: a purchase waits for a reading, since the sale may have been created meanwhile.
 * `unknown`: likewise, and it is answered "busy" where that has no answer.
 */
export type SaleView =
  /** With the sale as the ledger reported it when it was read last. */
  | { readonly kind: "known"; readonly snapshot: SaleSnapshot }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown" };

export const soldOut: Outcome = { kind: "soldOut" };

/**
 * What is refused without the ledger, or null where something may be sold; also where nothing is
 * known. `latched`: a later reply reported that nothing is left.
 */
export function closedOutcome(view: SaleView, latched: boolean): Outcome | null {
  if (view.kind !== "known") {
    return null;
  }
  const { state, opensAtMs } = view.snapshot;
  if (state !== "open") {
    return { kind: "notOnSale", state, opensAtMs };
  }
  return latched ? soldOut : null;
}
