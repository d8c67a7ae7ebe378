import type { StreamEntry } from "../ledger/outbox/entry.ts";
import { isGroupMissing, type StreamGroup } from "../ledger/outbox/group.ts";
import type { StreamReader } from "../ledger/outbox/reader.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import { backoffMs } from "../process/backoff.ts";
import type { OrderStore } from "./order-store.ts";
import type { Pause } from "./pause.ts";
import type { Sales } from "./sales.ts";

export interface ConsumerOptions {
  readonly reader: StreamReader;
  readonly group: StreamGroup;
  readonly sales: Sales;
  readonly store: OrderStore;
  readonly pause: Pause;
  /** Entries in one statement. */
  readonly batchMax: number;
  /** Entries that were delivered so long ago, and are not acknowledged, are taken over. */
  readonly claimIdleMs: number;
  /** Nothing is pending with any worker, so there is nothing to take over. */
  readonly settled: () => boolean;
  readonly onBatch: (entries: number) => void;
  readonly onFault: (fault: string) => void;
}

/** Pause while there is no sale. */
const idlePauseMs = 100;
/** Pause after a fault of Redis, the first and the longest. */
const retryMinMs = 50;
const retryMaxMs = 2_000;
/** Entries to take over are asked for this often within `claimIdleMs`, and at most each 5 s. */
const claimsPerIdle = 4;
const claimEveryMaxMs = 5_000;
/** Entries of one sale that a read brings at least, however many sales are busy. */
const saleShareMin = 10;

/** The loop of an order worker: read, store, acknowledge; one batch at a time. */
export class Consumer {
  readonly #options: ConsumerOptions;
  /** By sale: the reader's connection on which its own pending entries were read. */
  readonly #drained = new Map<string, number>();
  #nextClaimMs = 0;
  #busySales = 1;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /** Works until the worker is asked to stop, and ends with the batch under way. */
  async run(): Promise<void> {
    const { pause, sales, onFault } = this.#options;
    let failures = 0;
    while (!pause.stopped) {
      try {
        await this.#round();
        failures = 0;
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) {
          throw error;
        }
        if (isGroupMissing(error)) {
          sales.forget();
        }
        // What was stored and not acknowledged is pending under our name: settled in the next round.
        this.#drained.clear();
        onFault(error.message);
        await pause.wait(backoffMs(failures, retryMinMs, retryMaxMs));
        failures += 1;
      }
    }
  }

  async #round(): Promise<void> {
    const { reader, sales, pause, batchMax } = this.#options;
    const readable = sales.readable;
    if (readable.length === 0) {
      await pause.wait(idlePauseMs);
      return;
    }
    for (const sale of readable) {
      await this.#drain(sale);
    }
    await this.#claimIfDue(readable);
    if (pause.stopped) {
      return;
    }
    // A read brings so much of each sale; those that were busy last time share the batch.
    const share = Math.max(saleShareMin, Math.floor(batchMax / this.#busySales));
    const entries = await reader.readNew(readable, Math.min(share, batchMax));
    this.#busySales = Math.max(1, new Set(entries.map(({ sale }) => sale)).size);
    await this.#store(entries);
  }

  /** Stores what this worker, under its name, was given before: before it died or was cut off. */
  async #drain(sale: string): Promise<void> {
    const { reader, batchMax, pause } = this.#options;
    const { generation } = reader;
    if (this.#drained.get(sale) === generation) {
      return;
    }
    let after = "0-0";
    while (!pause.stopped) {
      const entries = await reader.readPending(sale, after, batchMax);
      const last = entries.at(-1);
      if (last === undefined) {
        this.#drained.set(sale, generation);
        return;
      }
      await this.#store(entries);
      after = last.id;
    }
  }

  /** Takes over what other workers left, and what this one could not store and shall try again. */
  async #claimIfDue(readable: readonly string[]): Promise<void> {
    const { group, batchMax, claimIdleMs, settled, pause } = this.#options;
    if (performance.now() < this.#nextClaimMs || settled()) {
      return;
    }
    for (const sale of readable) {
      let start = "0-0";
      do {
        const claim = await group.claim(sale, claimIdleMs, start, batchMax);
        await this.#store(claim.entries);
        start = claim.next;
      } while (start !== "0-0" && !pause.stopped);
    }
    const everyMs = Math.min(claimEveryMaxMs, claimIdleMs / claimsPerIdle);
    this.#nextClaimMs = performance.now() + everyMs;
  }

  async #store(entries: readonly StreamEntry[]): Promise<void> {
    const { store, batchMax, onBatch } = this.#options;
    for (let at = 0; at < entries.length; at += batchMax) {
      const batch = entries.slice(at, at + batchMax);
      onBatch(batch.length);
      await store.store(batch);
    }
  }
}
