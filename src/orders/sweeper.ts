import type { Pulse, StreamGroup } from "../ledger/outbox/group.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import type { Pause } from "./pause.ts";
import type { Sales } from "./sales.ts";

export interface SweeperOptions {
  readonly group: StreamGroup;
  readonly sales: Sales;
  readonly pause: Pause;
  readonly onLapsed: (sale: string, holds: number) => void;
  readonly onFault: (fault: string) => void;
}

/** Sales that are asked about in one round trip: a cheap command each. */
const salesMax = 256;
/** Orders that one script reads: Redis is busy with them for a few milliseconds. */
const scriptMax = 1_000;
/** Scripts a sale and sweep, so that one sale does not keep the others waiting. */
const scriptsMax = 20;
/** Before a sale that could not be swept is tried again. */
const retryMs = 1_000;

/**
 * Puts holds that were not paid in time back on sale. Which are overdue is for the ledger's clock
 * to decide, and each is released once, so any number of workers may sweep at a time.
 *
 * It remembers when the next hold of each sale lapses, and asks again only when that time has come,
 * or when an outbox has a new entry, as it has of every new hold.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  /** By the ledger's clock; no entry where nothing is held. */
  readonly #deadlines = new Map<string, number>();
  /** Entries added, and the sales, when all were asked about. */
  #askedAt: number | null = null;
  #askedSales: readonly string[] = [];

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** When the next hold lapses that is known of, by the ledger's clock; Infinity: none is. */
  get nextMs(): number {
    return Math.min(Infinity, ...this.#deadlines.values());
  }

  /** The ledger may be another one: all sales are asked about again. */
  forget(): void {
    this.#askedAt = null;
  }

  /** Releases what is overdue. Throws `LedgerUnavailable`; what one sale fails of is reported. */
  async sweep({ added, nowMs }: Pulse): Promise<void> {
    const { all } = this.#options.sales;
    if (this.#askedAt !== added || this.#askedSales !== all) {
      this.#deadlines.clear();
      this.#askedAt = null;
      await this.#ask(all);
      this.#askedAt = added;
      this.#askedSales = all;
    }
    const overdue = [...this.#deadlines].filter(([, deadlineMs]) => deadlineMs <= nowMs);
    const swept: string[] = [];
    for (const [sale] of overdue) {
      if (await this.#trySweep(sale)) {
        swept.push(sale);
      } else {
        this.#deadlines.set(sale, nowMs + retryMs);
      }
    }
    await this.#ask(swept);
  }

  /** Asks for the next deadline of each of these sales. */
  async #ask(sales: readonly string[]): Promise<void> {
    const { group, pause } = this.#options;
    for (let at = 0; at < sales.length && !pause.stopped; at += salesMax) {
      const some = sales.slice(at, at + salesMax);
      const deadlines = await group.nextDeadlines(some);
      for (const [index, sale] of some.entries()) {
        const deadlineMs = deadlines[index] ?? null;
        if (deadlineMs === null) {
          this.#deadlines.delete(sale);
        } else {
          this.#deadlines.set(sale, deadlineMs);
        }
      }
    }
  }

  /** A sale whose books are broken does not keep the others from being swept. */
  async #trySweep(sale: string): Promise<boolean> {
    try {
      await this.#sweep(sale);
      return true;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) {
        throw error;
      }
      this.#options.onFault(`sale ${sale}: ${error.message}`);
      return false;
    }
  }

  async #sweep(sale: string): Promise<void> {
    const { group, pause, onLapsed, onFault } = this.#options;
    for (let scripts = 0; scripts < scriptsMax && !pause.stopped; scripts += 1) {
      const { released, more, broken } = await group.lapse(sale, scriptMax);
      for (const ref of broken) {
        const found = await group.lapseBatch(sale, ref);
        const what = `batch ${ref} has overdue holds that the outbox does not name`;
        onFault(
          `sale ${sale}: ${what}; ${found} of them went back on sale, "sluice audit" has more`,
        );
      }
      if (released > 0) {
        onLapsed(sale, released);
      }
      if (!more) {
        return;
      }
    }
  }
}
