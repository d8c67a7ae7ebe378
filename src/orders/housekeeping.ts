import type { Pulse, StreamGroup } from "../ledger/outbox/group.ts";
import type { StreamReader } from "../ledger/outbox/reader.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import type { Lags } from "./lags.ts";
import type { Pause } from "./pause.ts";
import type { Sales } from "./sales.ts";
import type { Sweeper } from "./sweeper.ts";

export interface HousekeeperOptions {
  readonly group: StreamGroup;
  readonly reader: StreamReader;
  readonly sales: Sales;
  readonly sweeper: Sweeper;
  readonly lags: Lags;
  readonly pause: Pause;
  /** Between two looks at the ledger while orders come. */
  readonly everyMs: number;
  /** Order records of a stream that stay, though they are stored. */
  readonly streamKeep: number;
  /** A worker that was silent for so long, with nothing pending, is forgotten. */
  readonly consumerIdleMs: number;
  readonly onFault: (fault: string) => void;
}

/**
 * Between two looks while nothing happens. A hold lasts for a second at least, so it is known of
 * before it lapses; a new sale is noticed within a second.
 */
const idleMs = 500;
/** Between two looks at the least, also where holds lapse in between. */
const leastMs = 5;
const retryMs = 250;
/** Between two rounds of tidying up while orders come. */
const tendMs = 1_000;
/** Records that one script forgets: Redis is busy with them for about a millisecond. */
const trimMax = 1_000;
/** Scripts a sale and round: 80 thousand records a second, above what a sale adds. */
const trimsMax = 80;
/** Workers that are gone are looked for this often at the most. */
const forgetLeastMs = 300_000;
/** Before a read that waits is woken again; it may not have reached the ledger yet. */
const wakePauseMs = 50;
const wakesMax = 200;

/**
 * Asks the ledger one cheap question, again and again, and does what follows from the answer: finds
 * new sales, has holds lapse, tidies the streams up. Where nothing happened nothing follows, however
 * many sales there are.
 */
export class Housekeeper {
  readonly #options: HousekeeperOptions;
  #pulse: Pulse | null = null;
  #generation = 0;
  /** Entries added, and the sales, when all was stored and tidied up; null: it was not. */
  #settledAt: number | null = null;
  #settledSales: readonly string[] = [];
  #tending: Promise<void> | null = null;
  #tendAtMs = 0;
  #forgetAtMs = 0;

  constructor(options: HousekeeperOptions) {
    this.#options = options;
  }

  /**
   * Nothing is pending with any worker: every entry there is was stored, and no new one has come
   * since, by the last look.
   */
  get settled(): boolean {
    return (
      this.#settledAt !== null &&
      this.#settledAt === this.#pulse?.added &&
      this.#settledSales === this.#options.sales.readable
    );
  }

  /** Works until the worker is asked to stop. */
  async run(): Promise<void> {
    const { pause } = this.#options;
    while (!pause.stopped) {
      await pause.wait((await this.#reporting(() => this.#round())) ?? retryMs);
    }
    await this.#tending;
    for (let wakes = 0; wakes < wakesMax && this.#options.reader.waiting !== null; wakes += 1) {
      await this.#reporting(() => this.#wakeReader());
      await Bun.sleep(wakePauseMs);
    }
  }

  /** Returns how long nothing needs to be looked at. */
  async #round(): Promise<number> {
    const { group, sales, sweeper, everyMs } = this.#options;
    if (group.generation !== this.#generation) {
      this.#forget();
    }
    const { generation } = group;
    const before = this.#pulse?.added;
    const pulse = await group.pulse();
    const lookedAtMs = performance.now();
    this.#pulse = pulse;
    this.#generation = generation;
    await sales.refresh(pulse.changed);
    if (this.#options.reader.waiting?.sales !== sales.readable) {
      await this.#wakeReader();
    }
    await sweeper.sweep(pulse);
    this.#tendIfDue(pulse);
    const paceMs = pulse.added === before ? Math.max(idleMs, everyMs) : everyMs;
    const lapseMs = sweeper.nextMs - pulse.nowMs - (performance.now() - lookedAtMs);
    return Math.min(paceMs, Math.max(leastMs, lapseMs + 1));
  }

  /** The ledger may be another one, or have other data. */
  #forget(): void {
    this.#options.sales.forget();
    this.#options.sweeper.forget();
    this.#settledAt = null;
    this.#generation = 0;
  }

  /** A read waits for sales of before: it ends, and the next one includes the new ones. */
  async #wakeReader(): Promise<void> {
    const { group, reader } = this.#options;
    const clientId = await reader.waiting?.clientId.catch(() => null);
    // Where the connection is lost, the wait is over.
    if (typeof clientId === "number") {
      await group.unblock(clientId);
    }
  }

  #tendIfDue({ added }: Pulse): void {
    const nowMs = performance.now();
    const forget = nowMs >= this.#forgetAtMs;
    if (this.#tending !== null || nowMs < this.#tendAtMs || (this.settled && !forget)) {
      return;
    }
    // Beside the rest: holds lapse on time, however much there is to trim.
    this.#tending = this.#tend(added, forget).finally(() => {
      this.#tendAtMs = performance.now() + tendMs;
      this.#tending = null;
    });
  }

  async #tend(added: number, forget: boolean): Promise<void> {
    const { sales, group, lags, pause, consumerIdleMs } = this.#options;
    await this.#reporting(async () => {
      const { readable } = sales;
      let settled = true;
      for (const [sale, { entries }] of await lags.read()) {
        settled = (await this.#trim(sale)) && entries === 0 && settled;
        if (forget && !pause.stopped) {
          await group.forgetConsumers(sale, consumerIdleMs);
        }
      }
      if (forget && readable.length > 0) {
        this.#forgetAtMs = performance.now() + Math.max(forgetLeastMs, consumerIdleMs);
      }
      this.#settledAt = settled ? added : null;
      this.#settledSales = readable;
    });
  }

  /** Returns whether nothing is left that may go. */
  async #trim(sale: string): Promise<boolean> {
    const { group, streamKeep, pause } = this.#options;
    for (let trims = 0; trims < trimsMax && !pause.stopped; trims += 1) {
      if ((await group.trim(sale, streamKeep, trimMax)).forgotten === 0) {
        return true;
      }
    }
    return false;
  }

  async #reporting<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) {
        throw error;
      }
      this.#forget();
      this.#options.onFault(error.message);
      return null;
    }
  }
}
