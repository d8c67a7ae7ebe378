import { CommandError } from "../../src/operator/command.ts";
import { type ReportLine } from "../host/report-line.ts";
import { waitUntil } from "../host/wait.ts";
import type { Aftermath } from "../load/aftermath.ts";
import { Askers } from "./askers.ts";
import { Payer, type PayerOptions } from "./payer.ts";
import { StockLog } from "./stock-log.ts";

export interface ResaleOptions extends PayerOptions {
  /** What a purchase is POSTed to. */
  readonly buyUrl: string;
  readonly holdSeconds: number;
}

/** Rounds of holding and lapsing for which those who keep asking stay, and the most in all. */
const roundsMax = 12;
const askMsMax = 300_000;
/** A lapse is seen within a second; the rest is for a machine that is busy. */
const lapseSlackMs = 15_000;
const readPauseMs = 100;
const printPauseMs = 3_000;

/**
 * The life of orders beside a crowd and after it: some pay, the holds of the others lapse, and
 * their tickets are sold again, until all are paid for or nobody asks any more.
 */
export class Resale {
  readonly #options: ResaleOptions;
  readonly #payer: Payer;
  readonly #log: StockLog;

  /** Begins to pay. */
  constructor(options: ResaleOptions) {
    this.#options = options;
    this.#payer = new Payer(options);
    this.#log = new StockLog(options.redisUrl, options.sale);
  }

  /** To be called when the crowd is gone. Then every ticket is paid for, or free. */
  async settle(print: ReportLine, signal: AbortSignal): Promise<Aftermath> {
    const { holdSeconds, buyUrl } = this.#options;
    const roundMs = (holdSeconds + 1) * 1_000;
    const askers = new Askers(buyUrl);
    try {
      const askMs = Math.min(askMsMax, roundsMax * roundMs);
      await this.#await(askMs, print, signal, ({ left, held }) => left === 0 && held === 0);
    } finally {
      await askers.stop();
    }
    await this.#payer.finish();
    const lapsed = await this.#await(
      holdSeconds * 1_000 + lapseSlackMs,
      print,
      signal,
      ({ held }) => held === 0,
    );
    await this.#log.stop();
    return {
      payments: this.#payer.payments,
      resale: askers.outcomes,
      stock: this.#log.samples,
      soldOrders: askers.soldOrders,
      paidOrders: this.#payer.paidOrders,
      faults: lapsed ? [] : ["holds that are overdue were not released: does the worker sweep?"],
    };
  }

  /** Ends what goes on in the background, however it went. */
  async close(): Promise<void> {
    await this.#log.stop();
    await this.#payer.abandon();
  }

  async #await(
    patienceMs: number,
    print: ReportLine,
    signal: AbortSignal,
    isSo: (stock: { left: number; held: number }) => boolean,
  ): Promise<boolean> {
    let printedAtMs = performance.now();
    return waitUntil(patienceMs, readPauseMs, async () => {
      if (signal.aborted) {
        throw new CommandError("the demo was called off");
      }
      const stock = await this.#log.read();
      if (performance.now() - printedAtMs >= printPauseMs) {
        printedAtMs = performance.now();
        const { atMs, left, held, paid } = stock;
        print(
          `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${left} left, ${held} held, ${paid} paid`,
        );
      }
      return isSo(stock);
    });
  }
}
