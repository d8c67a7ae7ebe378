import type { Heartbeat, Reply } from "../../ledger/ledger.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import { Batcher } from "./batcher.ts";
import { NodeHeartbeat } from "./node-heartbeat.ts";
import { SaleDesk, type SaleDeskOptions } from "./sale-desk.ts";

export interface SaleDesksOptions extends Omit<SaleDeskOptions, "readSale" | "onWaiting"> {
  readonly defaultSale: string;
  /** Sales that this node sells at a time. Bounds what a change costs, and memory. */
  readonly desksMax: number;
  /** A desk without requests for this long is closed, unless it is the default sale's. */
  readonly idleMs: number;
  readonly onHeartbeatFault: (fault: string) => void;
}

interface OpenDesk {
  readonly desk: SaleDesk;
  usedAtMs: number;
}

/** How often deadlines are checked while requests wait, in milliseconds: their precision. */
const tickMs = 50;
/** A desk of a sale that does not exist is closed after this long without requests. */
const missingIdleMs = 1_000;
/** Between two looks for desks to close. */
const closeEveryMs = 1_000;
/** Sales in one round trip: half a millisecond of Redis, between two batches of purchases. */
const readMax = 64;

type Timer = ReturnType<typeof setInterval>;

/** The sales of one node: one desk each, and one heartbeat for all of them. */
export class SaleDesks {
  readonly #options: SaleDesksOptions;
  readonly #deskOptions: SaleDeskOptions;
  readonly #desks = new Map<string, OpenDesk>();
  readonly #heartbeat: NodeHeartbeat;
  readonly #reader: Batcher<string, Reply<SaleSnapshot | null>>;
  readonly default: SaleDesk;
  #beatTimer: Timer | null = null;
  #tickTimer: Timer | null = null;
  #closeAtMs = 0;

  constructor(options: SaleDesksOptions) {
    this.#options = options;
    const { ledger, weight, desksMax, nowMs, onHeartbeatFault } = options;
    this.#heartbeat = new NodeHeartbeat({
      ledger,
      weight,
      onBeat: (heartbeat) => this.#beat(heartbeat),
      onFailure: (fault) => {
        onHeartbeatFault(fault);
        for (const desk of this.all()) {
          desk.beatFailed();
        }
      },
    });
    this.#reader = new Batcher({
      send: async (sales) => ({ kind: "ok", value: await ledger.readSales(sales) }),
      batchMax: readMax,
      // Each desk reads once at a time; one that was closed meanwhile may still be reading.
      queueMax: desksMax * 2,
      repeatForMs: 0,
      nowMs,
      onFault: onHeartbeatFault,
    });
    this.#deskOptions = {
      ...options,
      readSale: (sale) => this.#readSale(sale),
      onWaiting: () => this.#startTicking(),
    };
    this.default = new SaleDesk(options.defaultSale, this.#deskOptions);
    this.#desks.set(options.defaultSale, { desk: this.default, usedAtMs: 0 });
    ledger.onConnection((ready) => {
      for (const desk of this.all()) {
        desk.connectionChanged(ready);
      }
      if (ready) {
        void this.#heartbeat.send();
      }
    });
  }

  /** Nodes that live, this one included, at the last heartbeat that was answered. */
  get livingNodes(): number {
    return this.#heartbeat.livingNodes;
  }

  /** Starts heartbeats. */
  start(): void {
    this.#beatTimer = setInterval(() => {
      this.#closeUnused();
      if (this.#options.ledger.ready) {
        void this.#heartbeat.send();
      }
    }, this.#options.heartbeatMs);
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
    const desk = new SaleDesk(sale, this.#deskOptions);
    this.#desks.set(sale, { desk, usedAtMs: now });
    return desk;
  }

  *all(): Generator<SaleDesk> {
    for (const { desk } of this.#desks.values()) {
      yield desk;
    }
  }

  /** Reads the sales of which what is known is older than a heartbeat. Never rejects. */
  async freshen(): Promise<void> {
    if (this.#options.ledger.ready) {
      await Promise.all([...this.all()].map((desk) => desk.freshen()));
    }
  }

  /** From now on the heartbeats announce that this node leaves, so that others take its share. */
  leave(): Promise<void> {
    return this.#heartbeat.leave();
  }

  stop(): void {
    for (const timer of [this.#beatTimer, this.#tickTimer]) {
      if (timer !== null) {
        clearInterval(timer);
      }
    }
  }

  #beat(heartbeat: Heartbeat): void {
    for (const { desk } of this.#desks.values()) {
      desk.beat(heartbeat);
    }
  }

  async #readSale(sale: string): Promise<Reply<SaleSnapshot | null>> {
    const reading = await this.#reader.ask(sale);
    return reading.kind === "answer"
      ? reading.answer
      : { kind: "notSent", reason: `too many sales are being read: ${reading.kind}` };
  }

  /** While something waits its deadline is watched; a node where nothing waits sleeps. */
  #startTicking(): void {
    this.#tickTimer ??= setInterval(() => {
      let waiting = false;
      for (const { desk } of this.#desks.values()) {
        if (!desk.idle) {
          desk.tick();
          waiting = true;
        }
      }
      if (!waiting && this.#tickTimer !== null) {
        clearInterval(this.#tickTimer);
        this.#tickTimer = null;
      }
    }, tickMs);
  }

  #closeUnused(): void {
    const now = this.#options.nowMs();
    if (now < this.#closeAtMs) {
      return;
    }
    this.#closeAtMs = now + closeEveryMs;
    for (const [sale, { desk, usedAtMs }] of this.#desks) {
      const idleMs = desk.view.kind === "missing" ? missingIdleMs : this.#options.idleMs;
      if (desk !== this.default && desk.idle && now - usedAtMs > idleMs) {
        this.#desks.delete(sale);
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
