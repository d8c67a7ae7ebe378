import type { Pulse, StreamGroup } from "../ledger/outbox/group.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import type { Pause } from "./pause.ts";
import type { Sales } from "./sales.ts";

export interface SweeperOptions {
  readonly group: Pick<StreamGroup, "nextDeadlines" | "lapse" | "lapseBatch">;
  readonly sales: Pick<Sales, "all">;
  readonly pause: Pick<Pause, "stopped">;
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
/** Before a sale is swept again of which nothing was released, though its deadline is over. */
const emptyRetryMs = 100;
/** A clock that is further behind the ledger's is reported: by so much holds lapse late. */
const behindMaxMs = 1_000;

/**
 * Puts holds that were not paid in time back on sale. Overdue is what is over by the ledger's clock
 * and by this host's, as release.lua has it, so the later of them is waited for. Each is released once,
 * so any number of workers may sweep at a time.
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
  /** How far this host's clock was behind the ledger's, at the last sweep. */
  #behindMs = 0;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** When the next hold that is known of can lapse, by the ledger's clock; Infinity: none is. */
  get nextMs(): number {
    return Math.min(Infinity, ...this.#deadlines.values()) + this.#behindMs;
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
    this.#behindMs = Math.max(0, nowMs - Date.now());
    const dueMs = nowMs - this.#behindMs;
    if (this.#behindMs > behindMaxMs && this.nextMs - this.#behindMs <= nowMs) {
      const seconds = Math.round(this.#behindMs / 1_000);
      this.#options.onFault(
        `the clock of this host is ${seconds} s behind the ledger's: so late holds go back on sale`,
      );
    }
    const overdue = [...this.#deadlines].filter(([, deadlineMs]) => deadlineMs <= dueMs);
    const swept: string[] = [];
    const empty: string[] = [];
    for (const [sale] of overdue) {
      const released = await this.#trySweep(sale);
      if (released === null) {
        this.#deadlines.set(sale, dueMs + retryMs);
      } else {
        swept.push(sale);
        if (released === 0) {
          empty.push(sale);
        }
      }
    }
    await this.#ask(swept);
    for (const sale of empty) {
      // Another worker may have been first; what stays is damage, and is not to be asked about at once.
      if ((this.#deadlines.get(sale) ?? Infinity) <= dueMs) {
        this.#deadlines.set(sale, dueMs + emptyRetryMs);
      }
    }
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

  /** Returns how many were released. A sale that cannot be swept (null) keeps no other waiting. */
  async #trySweep(sale: string): Promise<number | null> {
    try {
      return await this.#sweep(sale);
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) {
        throw error;
      }
      this.#options.onFault(`sale ${sale}: ${error.message}`);
      return null;
    }
  }

  async #sweep(sale: string): Promise<number> {
    const { group, pause, onLapsed, onFault } = this.#options;
    let all = 0;
    for (let scripts = 0; scripts < scriptsMax && !pause.stopped; scripts += 1) {
      const { released, more, broken } = await group.lapse(sale, scriptMax);
      for (const ref of broken) {
        const found = await group.lapseBatch(sale, ref);
        all += found;
        const what = `batch ${ref} has overdue holds that the outbox does not name`;
        onFault(
          `sale ${sale}: ${what}; ${found} of them went back on sale, "sluice audit" has more`,
        );
      }
      all += released;
      if (released > 0) {
        onLapsed(sale, released);
      }
      if (!more) {
        break;
      }
    }
    return all;
  }
}
