import type { Outcomes } from "./outcomes.ts";

/** A sale at one moment, in milliseconds since it was first looked at. */
export interface StockSample {
  readonly atMs: number;
  readonly left: number;
  readonly held: number;
  readonly paid: number;
}

/** What became of the orders that were to be paid for. */
export interface Payments {
  /** Share of the buyers that pay, from 0 to 1. */
  readonly share: number;
  /** Holds that were seen: each is decided upon once. */
  readonly seen: number;
  readonly paid: number;
  /** Too late, and nothing was left: the money goes back. */
  readonly refunded: number;
  /** Never answered, or not as a payment is answered. */
  readonly failed: number;
}

/** What went on beside a crowd and after it, where holds are paid for or lapse. */
export interface Aftermath {
  readonly payments: Payments;
  /** What those were told who went on asking when the crowd had gone. */
  readonly resale: Outcomes;
  readonly stock: readonly StockSample[];
  /** Orders that they were told of. */
  readonly soldOrders: ReadonlySet<string>;
  /** Orders whose payment was confirmed. */
  readonly paidOrders: ReadonlySet<string>;
  readonly faults: readonly string[];
}
