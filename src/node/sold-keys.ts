import type { Ledger } from "../ledger/ledger.ts";

/**
 * All keys that a sale ever sold, read once it is sold out: within the epoch the set no longer
 * grows, so a key that is not in it has no order, and nobody needs to ask the ledger.
 */
export class SoldKeys {
  readonly #sale: string;
  readonly #ledger: Ledger;
  readonly #most: number;
  readonly #onFault: (reason: string) => void;
  #keys: ReadonlySet<string> | null = null;
  /** Grows with every reset, so that a read that was begun before one is thrown away. */
  #era = 0;
  #reading = false;

  /** `most`: with more sold keys than this, memory is not spent and the ledger is asked. */
  constructor(sale: string, ledger: Ledger, most: number, onFault: (reason: string) => void) {
    this.#sale = sale;
    this.#ledger = ledger;
    this.#most = most;
    this.#onFault = onFault;
  }

  /** True only if it is certain, from memory, that the key was never sold. */
  surelyAbsent(key: string): boolean {
    return this.#keys !== null && !this.#keys.has(key);
  }

  /** Stock came back, or the connection was lost: what was read is no longer all. */
  reset(): void {
    this.#era += 1;
    this.#keys = null;
  }

  /** Reads the keys unless they are there. To be called while the sale is latched sold out. */
  async load(): Promise<void> {
    if (this.#keys !== null || this.#reading) {
      return;
    }
    this.#reading = true;
    const era = this.#era;
    const reply = await this.#ledger.soldKeys(this.#sale, this.#most);
    this.#reading = false;
    if (reply.kind !== "ok") {
      this.#onFault(reply.reason);
    } else if (era === this.#era) {
      this.#keys = reply.value;
    }
  }
}
