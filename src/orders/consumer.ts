import { entryRecordsMax, type StreamEntry } from "../ledger/outbox/entry.ts";
import { isGroupMissing, type StreamGroup } from "../ledger/outbox/group.ts";
import type { StreamReader } from "../ledger/outbox/reader.ts";
import { LedgerUnavailable } from "../ledger/unavailable.ts";
import { backoffMs } from "../process/backoff.ts";
import { countRows, cutBatches, type ReadEntry, takeApart } from "./order-batch.ts";
import type { OrderStore } from "./order-store.ts";
import type { Pause } from "./pause.ts";
import type { Sales } from "./sales.ts";

export interface ConsumerOptions {
  readonly reader: Pick<StreamReader, "generation" | "readNew" | "readPending">;
  readonly group: Pick<StreamGroup, "claim">;
  readonly sales: Pick<Sales, "forget" | "readable">;
  readonly store: Pick<OrderStore, "store">;
  readonly pause: Pause;
  /** Records with which a transaction is full; its last entry may bring more. */
  readonly batchMax: number;
  /** Entries that were delivered so long ago, and are not acknowledged, are taken over. */
  readonly claimIdleMs: number;
  /** Nothing is pending with any worker, so there is nothing to take over. */
  readonly settled: () => boolean;
  /** Records, and changes of sales, that are stored together. */
  readonly onBatch: (records: number) => void;
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
/** Entries that a read brings: with 1,000 records each they are 7 MB. Busy sales share them. */
const entriesMax = 64;
/** How long a transaction waits to become a full one: a fifth off the work of a busy worker. */
const fillMs = 30;

/**
 * The loop of an order worker: read, store, acknowledge; one batch at a time.
 *
 * What comes to an empty outbox is stored at once. What is there when that is done waits for more,
 * up to 30 ms, unless a transaction is full before: most of its cost is the same for one order and
 * for a hundred.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  /** By sale: the reader's connection on which its own pending entries were read. */
  readonly #drained = new Map<string, number>();
  #nextClaimMs = 0;
  /** Nothing was there when it was last read. */
  #isIdle = false;
  /** Of the last read that brought something: sales that it was from, and records an entry. */
  #busySales: number | null = null;
  #entrySize = entryRecordsMax;

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
    const { sales, pause } = this.#options;
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
    await this.#store(await this.#readNew(readable));
  }

  /** What no worker has seen; nothing if nothing came for a while. */
  async #readNew(readable: readonly string[]): Promise<ReadEntry[]> {
    if (!this.#isIdle) {
      const most = this.#entriesOfASale(readable);
      const entries = await this.#read(readable, "at once");
      if (entries.length > 0) {
        return await this.#fill(readable, entries, entries.length < most);
      }
    }
    if (this.#options.pause.stopped) {
      return [];
    }
    const entries = await this.#read(readable, "waiting");
    this.#isIdle = entries.length === 0;
    return entries;
  }

  /**
   * Adds to entries what comes within a short time, unless they are as many as a transaction takes.
   * One wait and one read, instead of a read for each that comes: it costs the same for ten.
   */
  async #fill(
    readable: readonly string[],
    entries: ReadEntry[],
    wasDry: boolean,
  ): Promise<ReadEntry[]> {
    const { pause, batchMax } = this.#options;
    const endMs = performance.now() + fillMs;
    let isDry = wasDry;
    let hasWaited = false;
    while (countRows(entries) < batchMax) {
      if (isDry) {
        if (hasWaited || pause.stopped) {
          break;
        }
        await pause.wait(Math.max(0, endMs - performance.now()));
        hasWaited = true;
      }
      const most = this.#entriesOfASale(readable);
      const more = await this.#read(readable, "at once");
      isDry = more.length < most;
      entries.push(...more);
    }
    return entries;
  }

  async #read(readable: readonly string[], how: "at once" | "waiting"): Promise<ReadEntry[]> {
    const { reader } = this.#options;
    const raw = await reader.readNew(readable, this.#entriesOfASale(readable), how);
    const entries = raw.map(takeApart);
    if (entries.length > 0) {
      this.#busySales = new Set(raw.map(({ sale }) => sale)).size;
      this.#entrySize = countRows(entries) / entries.length;
    }
    return entries;
  }

  /** A read brings so many entries of each sale; those that were busy last time share the batch. */
  #entriesOfASale(readable: readonly string[]): number {
    return Math.max(1, Math.floor(this.#entriesAtOnce / (this.#busySales ?? readable.length)));
  }

  /** As many as make a batch, if they are as large as those before. */
  get #entriesAtOnce(): number {
    const { batchMax } = this.#options;
    return Math.min(entriesMax, Math.ceil(batchMax / this.#entrySize));
  }

  /** Stores what this worker, under its name, was given before: before it died or was cut off. */
  async #drain(sale: string): Promise<void> {
    const { reader, pause } = this.#options;
    const { generation } = reader;
    if (this.#drained.get(sale) === generation) {
      return;
    }
    let after = "0-0";
    while (!pause.stopped) {
      const entries = await reader.readPending(sale, after, this.#entriesAtOnce);
      const last = entries.at(-1);
      if (last === undefined) {
        this.#drained.set(sale, generation);
        return;
      }
      await this.#storeRaw(entries);
      after = last.id;
    }
  }

  /** Takes over what other workers left, and what this one could not store and shall try again. */
  async #claimIfDue(readable: readonly string[]): Promise<void> {
    const { group, claimIdleMs, settled, pause } = this.#options;
    if (performance.now() < this.#nextClaimMs || settled()) {
      return;
    }
    for (const sale of readable) {
      let start = "0-0";
      do {
        const claim = await group.claim(sale, claimIdleMs, start, this.#entriesAtOnce);
        await this.#storeRaw(claim.entries);
        start = claim.next;
      } while (start !== "0-0" && !pause.stopped);
    }
    const everyMs = Math.min(claimEveryMaxMs, claimIdleMs / claimsPerIdle);
    this.#nextClaimMs = performance.now() + everyMs;
  }

  async #storeRaw(entries: readonly StreamEntry[]): Promise<void> {
    await this.#store(entries.map(takeApart));
  }

  async #store(entries: readonly ReadEntry[]): Promise<void> {
    const { store, batchMax, onBatch } = this.#options;
    for (const batch of cutBatches(entries, batchMax)) {
      onBatch(countRows(batch));
      await store.store(batch);
    }
  }
}
