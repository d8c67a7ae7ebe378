import type { Ledger } from "../../ledger/ledger.ts";

/**
 * All keys that a sale ever sold, read once it is sold out: within the epoch the set no longer
 * grows, so a key that is not in it has no order, and nobody needs to ask the ledger. It counts
 * for that epoch alone: stock may come back and go again between two heartbeats.
 */
export class SoldKeys {
  readonly #sale: string;
  readonly #ledger: Ledger;
  readonly #most: number;
  readonly #onFault: (reason: string) => void;
  #keys: ReadonlySet<string> | null = null;
  /** The epoch that was sold out when the keys were read. */
  #epoch: number | null = null;
  /** So that a read that was begun before a reset is thrown away. */
  #resetCount = 0;
  #reading = false;

  /** `most`: with more sold keys than this, memory is not spent and the ledger is asked. */
  constructor(sale: string, ledger: Ledger, most: number, onFault: (reason: string) => void) {
    this.#sale = sale;
    this.#ledger = ledger;
    this.#most = most;
    this.#onFault = onFault;
  }

  /**
   * True only if it is certain, from memory, that the key was not sold up to the end of `epoch`.
   */
  surelyAbsent(key: string, epoch: number | null): boolean {
    return this.#keys !== null && this.#epoch === epoch && !this.#keys.has(key);
  }

  /** Stock came back, or the connection was lost: what was read is no longer all. */
  reset(): void {
    this.#resetCount += 1;
    this.#keys = null;
  }

  /** Reads the keys unless they are there. To be called while `epoch` is latched sold out. */
  async load(epoch: number | null): Promise<void> {
    if ((this.#keys !== null && this.#epoch === epoch) || this.#reading) {
      return;
    }
    this.#reading = true;
    const resetCount = this.#resetCount;
    const reply = await this.#ledger.soldKeys(this.#sale, this.#most);
    this.#reading = false;
    if (reply.kind !== "ok") {
      this.#onFault(reply.reason);
    } else if (resetCount === this.#resetCount) {
      this.#keys = reply.value;
      this.#epoch = epoch;
    }
  }
}
