import type { Ledger } from "../../ledger/ledger.ts";
import type { OrderRecord } from "../../sale/order.ts";

/** What the ledger knows of a request key. `away`: it could not be asked, or not in time. */
export type KeyAnswer =
  | { readonly kind: "found"; readonly order: OrderRecord; readonly durable: boolean }
  | { readonly kind: "absent" }
  | { readonly kind: "away" }
  | { readonly kind: "full" };

interface Question {
  readonly key: string;
  readonly answer: (answer: KeyAnswer) => void;
}

export interface KeyLookupOptions {
  readonly sale: string;
  readonly ledger: Ledger;
  /** Keys in one script, 1 to 1000. */
  readonly batchMax: number;
  /** Questions that wait; beyond that: full. */
  readonly queueMax: number;
  readonly onFault: (reason: string) => void;
}

/** Asks the ledger for request keys, in batches, one under way at a time. */
export class KeyLookup {
  readonly #options: KeyLookupOptions;
  #waiting: Question[] = [];
  #underWay = false;

  constructor(options: KeyLookupOptions) {
    this.#options = options;
  }

  /** Settles within the ledger's time limit for each batch ahead; never rejects. */
  ask(key: string): Promise<KeyAnswer> {
    if (this.#waiting.length >= this.#options.queueMax) {
      return Promise.resolve({ kind: "full" });
    }
    return new Promise((answer) => {
      this.#waiting.push({ key, answer });
      if (!this.#underWay) {
        this.#underWay = true;
        queueMicrotask(() => void this.#run());
      }
    });
  }

  async #run(): Promise<void> {
    const { sale, ledger, batchMax, onFault } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchMax);
      const reply = await ledger.lookup(
        sale,
        batch.map((question) => question.key),
      );
      if (reply.kind !== "ok") {
        onFault(reply.reason);
      }
      for (const [i, question] of batch.entries()) {
        if (reply.kind !== "ok") {
          question.answer({ kind: "away" });
          continue;
        }
        const order = reply.value?.orders[i] ?? null;
        question.answer(
          order === null
            ? { kind: "absent" }
            : { kind: "found", order, durable: reply.value?.durable === true },
        );
      }
    }
    this.#underWay = false;
  }
}
