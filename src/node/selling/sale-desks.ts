import { SaleDesk, type SaleDeskOptions } from "./sale-desk.ts";

export interface SaleDesksOptions extends SaleDeskOptions {
  readonly defaultSale: string;
  readonly heartbeatMs: number;
  /** Sales that this node sells at a time. Bounds heartbeats and memory. */
  readonly desksMax: number;
  /** A desk without requests for this long is closed, unless it is the default sale's. */
  readonly idleMs: number;
}

interface OpenDesk {
  readonly desk: SaleDesk;
  usedAtMs: number;
}

/** How often deadlines are checked, in milliseconds: the precision of the deadline. */
const tickMs = 50;

/** The sales of one node: one desk each, one timer for the heartbeats of all. */
export class SaleDesks {
  readonly #options: SaleDesksOptions;
  readonly #desks = new Map<string, OpenDesk>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly default: SaleDesk;
  #leaving = false;

  constructor(options: SaleDesksOptions) {
    this.#options = options;
    this.default = new SaleDesk(options.defaultSale, options);
    this.#desks.set(options.defaultSale, { desk: this.default, usedAtMs: 0 });
    options.ledger.onConnection((ready) => {
      for (const { desk } of this.#desks.values()) {
        desk.connectionChanged(ready);
      }
    });
  }

  /** Starts heartbeats and deadlines. */
  start(): void {
    this.#timers.push(
      setInterval(() => this.#sendHeartbeats(), this.#options.heartbeatMs),
      setInterval(() => {
        for (const { desk } of this.#desks.values()) {
          desk.tick();
        }
      }, tickMs),
    );
  }

  /** The desk of a sale, or null if this node sells too many other sales at the moment. */
  open(sale: string): SaleDesk | null {
    const now = this.#options.nowMs();
    const opened = this.#desks.get(sale);
    if (opened !== undefined) {
      opened.usedAtMs = now;
      return opened.desk;
    }
    if (this.#desks.size >= this.#options.desksMax && !this.#closeMissing()) {
      return null;
    }
    const desk = new SaleDesk(sale, this.#options);
    if (this.#leaving) {
      void desk.leave();
    }
    this.#desks.set(sale, { desk, usedAtMs: now });
    return desk;
  }

  *all(): Generator<SaleDesk> {
    for (const { desk } of this.#desks.values()) {
      yield desk;
    }
  }

  /** From now on the heartbeats announce that this node leaves, so that others take its share. */
  async leave(): Promise<void> {
    this.#leaving = true;
    await Promise.all([...this.all()].map((desk) => desk.leave()));
  }

  stop(): void {
    for (const timer of this.#timers) {
      clearInterval(timer);
    }
  }

  #sendHeartbeats(): void {
    const now = this.#options.nowMs();
    for (const [sale, { desk, usedAtMs }] of this.#desks) {
      const idleMs = desk.view.kind === "missing" ? 1_000 : this.#options.idleMs;
      if (desk !== this.default && desk.idle && now - usedAtMs > idleMs) {
        this.#desks.delete(sale);
      } else if (this.#options.ledger.ready) {
        void desk.heartbeat();
      }
    }
  }

  /** Closes a desk of a sale that does not exist, so that made-up names cannot take all places. */
  #closeMissing(): boolean {
    for (const [sale, { desk }] of this.#desks) {
      if (desk !== this.default && desk.view.kind === "missing" && desk.idle) {
        this.#desks.delete(sale);
        return true;
      }
    }
    return false;
  }
}
