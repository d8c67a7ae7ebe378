import type { StreamGroup } from "../ledger/outbox/group.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import type { Pause } from "./pause.ts";
import type { Sales } from "./sales.ts";

export interface SweeperOptions {
  readonly group: StreamGroup;
  readonly sales: Sales;
  readonly pause: Pause;
  /** Between two checks. */
  readonly everyMs: number;
  readonly onLapsed: (sale: string, holds: number) => void;
  readonly onFault: (fault: string) => void;
}

/** Sales that are asked about in one round trip: a cheap command each. */
const salesMax = 256;
/** Orders that one script reads: Redis is busy with them for a few milliseconds. */
const scriptMax = 1_000;
/** Scripts a sale and check, so that one sale does not keep the others waiting. */
const scriptsMax = 20;

/**
 * Puts holds that were not paid in time back on sale. Which are overdue is for the ledger's clock
 * to decide, and each is released once, so any number of workers may sweep at a time.
 */
export class Sweeper {
  readonly #options: SweeperOptions;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Works until the worker is asked to stop. */
  async run(): Promise<void> {
    const { pause, everyMs } = this.#options;
    while (!pause.stopped) {
      const startedMs = performance.now();
      await this.#reporting(() => this.#sweepOverdue());
      await pause.wait(Math.max(1, everyMs - (performance.now() - startedMs)));
    }
  }

  async #sweepOverdue(): Promise<void> {
    const { group, sales, pause } = this.#options;
    const all = sales.all;
    for (let at = 0; at < all.length && !pause.stopped; at += salesMax) {
      for (const sale of await group.overdue(all.slice(at, at + salesMax))) {
        // One whose books are broken does not keep the others from being swept.
        await this.#reporting(() => this.#sweep(sale));
      }
    }
  }

  async #reporting(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) {
        throw error;
      }
      this.#options.onFault(error.message);
    }
  }

  async #sweep(sale: string): Promise<void> {
    const { group, pause, onLapsed } = this.#options;
    for (let scripts = 0; scripts < scriptsMax && !pause.stopped; scripts += 1) {
      const { released, more } = await group.lapse(sale, scriptMax);
      if (released > 0) {
        onLapsed(sale, released);
      }
      if (!more) {
        return;
      }
    }
  }
}
