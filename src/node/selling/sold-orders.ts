import type { Ledger } from "../../ledger/ledger.ts";
import { requestHash } from "../../sale/tokens.ts";

/**
 * The hashes of buyer and key of all orders of a sale, read once it is sold out: within the epoch the
 * set no longer grows, so a request whose hash is not in it has no order, and nobody needs to ask the
 * ledger. It counts for that epoch alone: stock may come back and go again between two heartbeats.
 * Two requests with the same hash cost a question to the ledger.
 */
export class SoldOrders {
  readonly #sale: string;
  readonly #ledger: Ledger;
  readonly #most: number;
  readonly #onFault: (reason: string) => void;
  #hashes: ReadonlySet<string> | null = null;
  /** The epoch that was sold out when they were read. */
  #epoch: number | null = null;
  /** So that a read that was begun before a reset is thrown away. */
  #resetCount = 0;
  #reading = false;

  /** `most`: with more orders than this, memory is not spent and the ledger is asked. */
  constructor(sale: string, ledger: Ledger, most: number, onFault: (reason: string) => void) {
    this.#sale = sale;
    this.#ledger = ledger;
    this.#most = most;
    this.#onFault = onFault;
  }

  /** All of them up to the end of this epoch are in memory. */
  isReadFor(epoch: number | null): boolean {
    return this.#hashes !== null && this.#epoch === epoch;
  }

  /** Whether a request may have an order; false is certain where it `isReadFor` the epoch. */
  mayHave(buyer: string, key: string): boolean {
    return this.#hashes?.has(requestHash(buyer, key)) ?? true;
  }

  /** Stock came back, or the connection was lost: what was read is no longer all. */
  reset(): void {
    this.#resetCount += 1;
    this.#hashes = null;
  }

  /** Reads them unless they are there. To be called while `epoch` is latched sold out. */
  async load(epoch: number | null): Promise<void> {
    if (this.isReadFor(epoch) || this.#reading) {
      return;
    }
    this.#reading = true;
    const resetCount = this.#resetCount;
    const reply = await this.#ledger.soldOrders(this.#sale, this.#most);
    this.#reading = false;
    if (reply.kind !== "ok") {
      this.#onFault(reply.reason);
    } else if (resetCount === this.#resetCount) {
      this.#hashes = reply.value;
      this.#epoch = epoch;
    }
  }
}
