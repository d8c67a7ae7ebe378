import type { Heartbeat, Ledger } from "../../ledger/ledger.ts";
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
 *             |       no answer, or the connection
 *             '------ was lost or came back -------> unknown <---- start
 *
 * `known`: purchases are refused from memory where `closedOutcome` says so; else the ledger
 * decides.
 * `missing`: a purchase waits for a heartbeat, since the sale may have been created meanwhile.
 * `unknown`: likewise, and it is answered "busy" where that has no answer.
 */
export type SaleView =
  /** With the sale as the ledger reported it at the last heartbeat. */
  | { readonly kind: "known"; readonly snapshot: SaleSnapshot }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown" };

const unknownView: SaleView = { kind: "unknown" };

export interface SaleHeartbeatOptions {
  readonly sale: string;
  readonly ledger: Ledger;
  readonly weight: number;
  /** The ledger reported the sale. `before`: what was known until now. */
  readonly onSale: (heartbeat: Heartbeat, before: SaleView) => void;
  /** The ledger has no such sale. */
  readonly onMissing: () => void;
  readonly onFault: (fault: string) => void;
}

/**
 * Announces this node to the ledger, and keeps what it replies: the one writer of a sale's view.
 */
export class SaleHeartbeat {
  readonly #options: SaleHeartbeatOptions;
  #view: SaleView = unknownView;
  #livingNodes = 0;
  #underWay: Promise<void> | null = null;
  #leaving = false;

  constructor(options: SaleHeartbeatOptions) {
    this.#options = options;
  }

  get view(): SaleView {
    return this.#view;
  }

  /** Nodes that sell this sale, this one included, at the last heartbeat that was answered. */
  get livingNodes(): number {
    return this.#livingNodes;
  }

  /** Sends one; those who ask while one is under way share it. Never rejects. */
  send(): Promise<void> {
    this.#underWay ??= this.#send().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  /** From now on heartbeats announce that this node leaves, so that the others take its share. */
  async leave(): Promise<void> {
    this.#leaving = true;
    // One that is under way may still announce the opposite.
    await this.#underWay;
    await this.send();
  }

  /** The connection was lost or came back: what is known may be out of date. */
  forget(): void {
    this.#view = unknownView;
  }

  async #send(): Promise<void> {
    const { sale, ledger, weight, onSale, onMissing, onFault } = this.#options;
    const reply = await ledger.heartbeat(sale, this.#leaving ? 0 : weight);
    if (reply.kind !== "ok") {
      // Cut off, or refused: selling on what is not known any more would be a guess.
      this.#view = unknownView;
      onFault(`heartbeat ${reply.kind}: ${reply.reason}`);
    } else if (reply.value === null) {
      this.#view = { kind: "missing" };
      onMissing();
    } else {
      const before = this.#view;
      this.#view = { kind: "known", snapshot: reply.value.snapshot };
      this.#livingNodes = reply.value.livingNodes;
      onSale(reply.value, before);
    }
  }
}

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
