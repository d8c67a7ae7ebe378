import { SaleOperations } from "../../src/ledger/operations.ts";
import type { StockSample } from "../load/aftermath.ts";

/** A few readings a second show every wave of lapses, and cost the ledger nothing. */
const pauseMs = 200;
/** An hour of readings. */
const samplesMax = 18_000;

/** Reads a sale's stock a few times a second, for as long as it is not stopped. */
export class StockLog {
  readonly #operations: SaleOperations;
  readonly #sale: string;
  readonly #samples: StockSample[] = [];
  readonly #startedAtMs = performance.now();
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(redisUrl: string, sale: string) {
    this.#operations = new SaleOperations(redisUrl);
    this.#sale = sale;
    this.#done = this.#run();
  }

  get samples(): readonly StockSample[] {
    return this.#samples;
  }

  /** Reads it now. Throws `OperationError` where the ledger does not answer. */
  async read(): Promise<StockSample> {
    const snapshot = await this.#operations.read(this.#sale);
    const { left = 0, held = 0, paid = 0 } = snapshot ?? {};
    return { atMs: Math.round(performance.now() - this.#startedAtMs), left, held, paid };
  }

  /** Reads a last time and ends. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.#operations.close();
  }

  async #run(): Promise<void> {
    while (this.#samples.length < samplesMax) {
      const last = this.#stopped;
      // One reading that fails leaves a gap; whoever needs the ledger reports why.
      const sample = await this.read().catch(() => null);
      if (sample !== null) {
        this.#samples.push(sample);
      }
      if (last) {
        return;
      }
      await Bun.sleep(pauseMs);
    }
  }
}
