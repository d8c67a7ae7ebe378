import type { StreamGroup } from "../ledger/outbox/group.ts";
import { readLag, type StreamLag } from "../ledger/outbox/lag.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import type { Sales } from "./sales.ts";

export type LagsBySale = ReadonlyMap<string, StreamLag>;

/** Sales whose lag is asked for at a time: a few cheap commands each. */
const salesMax = 16;
/** What was read so long ago is shown again: several who scrape share one reading. */
const shownMs = 1_000;

/** How far the workers are behind, read when somebody asks. */
export class Lags {
  readonly #group: StreamGroup;
  readonly #sales: Sales;
  #shown: LagsBySale = new Map();
  #shownAtMs = -Infinity;
  #underWay: Promise<LagsBySale> | null = null;

  constructor(group: StreamGroup, sales: Sales) {
    this.#group = group;
    this.#sales = sales;
  }

  /** Of all sales, now. Throws `LedgerUnavailable`. */
  async read(): Promise<LagsBySale> {
    const all = this.#sales.readable;
    const lags = new Map<string, StreamLag>();
    for (let at = 0; at < all.length; at += salesMax) {
      const some = all.slice(at, at + salesMax);
      const read = await Promise.all(
        some.map((sale) => this.#group.read((client) => readLag(client, sale))),
      );
      for (const [index, sale] of some.entries()) {
        const lag = read[index] ?? null;
        if (lag !== null) {
          lags.set(sale, lag);
        }
      }
    }
    return lags;
  }

  /** To be shown: at most a second old, or the last known where the ledger does not answer. */
  show(): Promise<LagsBySale> {
    if (performance.now() - this.#shownAtMs < shownMs) {
      return Promise.resolve(this.#shown);
    }
    this.#underWay ??= this.#readToShow().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #readToShow(): Promise<LagsBySale> {
    try {
      this.#shown = await this.read();
      this.#shownAtMs = performance.now();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) {
        throw error;
      }
    }
    return this.#shown;
  }
}
