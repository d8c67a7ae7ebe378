import type { StreamGroup } from "../ledger/outbox/group.ts";

/** Before it is looked again for the stream of a sale that has none, as one that is half created. */
const incompleteMs = 5_000;

/** The sales that this worker serves, kept up to date by `refresh`. */
export class Sales {
  readonly #group: StreamGroup;
  #all: readonly string[] = [];
  #readable: readonly string[] = [];
  /** The ledger's counter of changes when they were listed; null: list them anew. */
  #changed: number | null = null;
  #listedAtMs = -Infinity;

  constructor(group: StreamGroup) {
    this.#group = group;
  }

  /** All sales that there are; another array only if they were listed anew. */
  get all(): readonly string[] {
    return this.#all;
  }

  /** Those whose stream is there, with our group on it; another array only if they changed. */
  get readable(): readonly string[] {
    return this.#readable;
  }

  /**
   * Finds new sales, if `changed`, the ledger's counter of changes, has moved. Throws
   * `LedgerUnavailable`.
   */
  async refresh(changed: number): Promise<void> {
    const nowMs = performance.now();
    const complete = this.#readable.length === this.#all.length;
    if (changed === this.#changed && (complete || nowMs - this.#listedAtMs < incompleteMs)) {
      return;
    }
    this.#listedAtMs = nowMs;
    this.#changed = changed;
    try {
      await this.#list();
    } catch (error) {
      this.#changed = null;
      throw error;
    }
  }

  /** What Redis had may be gone, as after a restart without its data: `refresh` begins anew. */
  forget(): void {
    this.#changed = null;
    this.#readable = [];
  }

  async #list(): Promise<void> {
    const all = await this.#group.listSales();
    const known = new Set(this.#readable);
    const readable: string[] = [];
    for (const sale of all) {
      if (known.has(sale) || (await this.#group.ensureGroup(sale))) {
        readable.push(sale);
      }
    }
    this.#all = all;
    if (readable.join() !== this.#readable.join()) {
      this.#readable = readable;
    }
  }
}
