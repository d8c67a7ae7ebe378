/** What a node knows of a sale after a reply of the ledger. */
export interface StockObservation {
  readonly left: number;
  readonly epoch: number;
}

/** The local stock as all but its one writer see it. */
export type StockView = Readonly<
  Pick<LocalStock, "latched" | "epoch" | "stock" | "outstanding" | "exhausted">
>;

/**
 * Local stock: how many more tickets this node may try to sell before it must ask the ledger
 * again, and the sold-out latch. A state machine without clock, I/O or promise.
 *
 * It never decides that a ticket is sold; it only bounds how many requests go to the ledger in
 * vain. Its share of what is left is by weight; the buffer on top lets the living sell what the
 * dead held. Observations come in the order in which the ledger made them (one connection), and
 * `forget` must be called when that connection is lost.
 */
export class LocalStock {
  readonly #weight: number;
  readonly #buffer: number;
  #livingWeight: number;
  /** Newest observation, or null where nothing is known. */
  #seen: StockObservation | null = null;
  /** May go below zero by one request's quantity, so that a large request is never starved. */
  #stock = 0;
  /** Tickets asked of the ledger and not settled. */
  #outstanding = 0;

  /** `weight` at least 1; `buffer` at least 0. */
  constructor(weight: number, buffer: number) {
    if (!Number.isSafeInteger(weight) || weight < 1) {
      throw new RangeError(`a node's weight is a whole number from 1, got ${weight}`);
    }
    if (!Number.isSafeInteger(buffer) || buffer < 0) {
      throw new RangeError(`a node's buffer is a whole number from 0, got ${buffer}`);
    }
    this.#weight = weight;
    this.#buffer = buffer;
    this.#livingWeight = weight;
  }

  /** Nothing was left at all when last seen, and no stock has come back in this epoch. */
  get latched(): boolean {
    return this.#seen !== null && this.#seen.left === 0;
  }

  /** The newest epoch that was seen; null where nothing is known. */
  get epoch(): number | null {
    return this.#seen === null ? null : this.#seen.epoch;
  }

  /** Tickets that may be asked for now. */
  get stock(): number {
    return this.#stock;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** Waiting requests need a fresh observation: the stock is used up, but tickets are left. */
  get exhausted(): boolean {
    return this.#stock <= 0 && !this.latched;
  }

  /**
   * Takes an observation. One of an older epoch is stale. So is one with stock left in an epoch
   * that was seen sold out: within an epoch stock does not come back from nothing.
   */
  observe(seen: StockObservation): void {
    const before = this.#seen;
    if (
      before !== null &&
      (seen.epoch < before.epoch || (this.latched && seen.epoch === before.epoch))
    ) {
      return;
    }
    this.#seen = { left: seen.left, epoch: seen.epoch };
    this.#refill();
  }

  /** The total weight of the nodes that live, this one included. Counts at the next observation. */
  observeLivingWeight(livingWeight: number): void {
    this.#livingWeight = Math.max(livingWeight, this.#weight);
  }

  /** Asks for tickets. False: not now; ask again after an observation, or when latched, give up. */
  admit(quantity: number): boolean {
    if (this.#stock <= 0) {
      return false;
    }
    this.#stock -= quantity;
    this.#outstanding += quantity;
    return true;
  }

  /** The ledger decided: what was refused or failed is given back. */
  settle(quantity: number, sold: boolean): void {
    if (quantity > this.#outstanding) {
      throw new RangeError(
        `settling ${quantity} tickets, but only ${this.#outstanding} are asked for`,
      );
    }
    this.#outstanding -= quantity;
    if (!sold && !this.latched && this.#seen !== null) {
      this.#stock += quantity;
    }
  }

  /** The connection is lost: what was seen may be overtaken, even by a ledger that went back. */
  forget(): void {
    this.#seen = null;
    this.#stock = 0;
    this.#livingWeight = this.#weight;
  }

  #refill(): void {
    if (this.#seen === null || this.#seen.left === 0) {
      this.#stock = 0;
      return;
    }
    const share = Math.ceil((this.#seen.left * this.#weight) / this.#livingWeight);
    this.#stock = share + this.#buffer - this.#outstanding;
  }
}
