import type { StreamGroup } from "../ledger/outbox/group.ts";

/** The sales that this worker serves, kept up to date by `refresh`. */
export class Sales {
  readonly #group: StreamGroup;
  #all: readonly string[] = [];
  readonly #readable = new Set<string>();

  constructor(group: StreamGroup) {
    this.#group = group;
  }

  /** All sales that there are. */
  get all(): readonly string[] {
    return this.#all;
  }

  /** Those whose stream is there, with our group on it. */
  get readable(): readonly string[] {
    return this.#all.filter((sale) => this.#readable.has(sale));
  }

  /** Finds new sales. Throws `LedgerUnavailable`. */
  async refresh(): Promise<void> {
    this.#all = await this.#group.listSales();
    for (const sale of this.#all) {
      if (!this.#readable.has(sale) && (await this.#group.ensureGroup(sale))) {
        this.#readable.add(sale);
      }
    }
  }

  /** What Redis had may be gone, as after a restart without its data: `refresh` begins anew. */
  forget(): void {
    this.#readable.clear();
  }
}
