import type { StreamGroup } from "../ledger/outbox/group.ts";
import { readLag, type StreamLag } from "../ledger/outbox/lag.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import type { Pause } from "./pause.ts";
import type { Sales } from "./sales.ts";

export interface HousekeeperOptions {
  readonly group: StreamGroup;
  readonly sales: Sales;
  readonly pause: Pause;
  /** Stored entries of a stream that stay. */
  readonly streamKeep: number;
  /** A worker that was silent for so long, with nothing pending, is forgotten. */
  readonly consumerIdleMs: number;
  readonly onLag: (sale: string, lag: StreamLag) => void;
  readonly onFault: (fault: string) => void;
}

/** New sales are noticed within two of these and a read: below a second in all. */
const everyMs = 250;
/** Entries that one script forgets: Redis is busy with them for about a millisecond. */
const trimMax = 1_000;
/** Scripts a sale and round: 80 thousand entries a second, above what a sale adds. */
const trimsMax = 80;
/** Sales whose lag is asked for at a time: a few cheap commands each. */
const salesMax = 16;
/** Streams are tended in every so many rounds: each second. */
const tendRounds = 4;
/** Workers that are gone are forgotten in every so many rounds: each five minutes. */
const forgetRounds = 1_200;

/** Finds new sales, watches how far the worker is behind, and tidies the streams up. */
export class Housekeeper {
  readonly #options: HousekeeperOptions;

  constructor(options: HousekeeperOptions) {
    this.#options = options;
  }

  /** Works until the worker is asked to stop. */
  async run(): Promise<void> {
    const { sales, pause, onFault } = this.#options;
    let round = 0;
    while (!pause.stopped) {
      try {
        await sales.refresh();
        if (round % tendRounds === 0) {
          await this.#tendAll(round % forgetRounds === 0);
        }
        // One that failed, as the first does before the connection is there, is done again.
        round += 1;
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) {
          throw error;
        }
        // The connection may be to a Redis that has other data now.
        sales.forget();
        onFault(error.message);
      }
      await pause.wait(everyMs);
    }
  }

  async #tendAll(forget: boolean): Promise<void> {
    const { group, sales } = this.#options;
    const all = sales.readable;
    for (let at = 0; at < all.length; at += salesMax) {
      const some = all.slice(at, at + salesMax);
      const lags = await Promise.all(
        some.map((sale) => group.read((client) => readLag(client, sale))),
      );
      for (const [index, sale] of some.entries()) {
        await this.#tend(sale, lags[index] ?? null, forget);
      }
    }
  }

  async #tend(sale: string, lag: StreamLag | null, forget: boolean): Promise<void> {
    const { group, streamKeep, consumerIdleMs, onLag } = this.#options;
    if (lag === null) {
      return;
    }
    onLag(sale, lag);
    for (let trims = 0; trims < trimsMax && lag.length - trims * trimMax > streamKeep; trims += 1) {
      if ((await group.trim(sale, streamKeep, trimMax)) === 0) {
        break;
      }
    }
    if (forget) {
      await group.forgetConsumers(sale, consumerIdleMs);
    }
  }
}
