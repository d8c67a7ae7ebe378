import type { StreamEntry } from "../ledger/outbox/entry.ts";
import type { StreamGroup } from "../ledger/outbox/group.ts";
import { backoffMs } from "../process/backoff.ts";
import { type Database, DatabaseError } from "./database.ts";
import { idsBySale, type OrderEntry, type Poison, sortEntries } from "./order-batch.ts";
import { writeOrders } from "./orders-table.ts";
import type { Pause } from "./pause.ts";

export interface OrderStoreOptions {
  readonly database: Database;
  readonly group: StreamGroup;
  /** Deliveries of an entry that cannot be stored before it becomes a dead letter. */
  readonly triesMax: number;
  readonly pause: Pause;
  /** Entries of orders that are stored and acknowledged. */
  readonly onStored: (entries: number) => void;
  /** The database answered (null), or why it did not. */
  readonly onDatabase: (fault: string | null) => void;
  /** `moved`: it is a dead letter now; else it stays pending. */
  readonly onPoison: (poison: Poison, tries: number, moved: boolean) => void;
}

type Attempt =
  | { readonly kind: "stored" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "stopped" };

/** Pause between two attempts while the database is away, the first and the longest. */
const retryMinMs = 100;
const retryMaxMs = 2_000;

/**
 * Stores what is in the outbox, then acknowledges it, never the other way round. While the database
 * is away it tries the same batch again and again, so that nothing more is read; the sale goes on,
 * since nobody in it waits for us.
 */
export class OrderStore {
  readonly #options: OrderStoreOptions;

  constructor(options: OrderStoreOptions) {
    this.#options = options;
  }

  /**
   * Stores and acknowledges entries. What cannot be stored stays pending, to be delivered again,
   * up to `triesMax` times; then it becomes a dead letter. What is not stored yet when the worker
   * is asked to stop stays pending as well. Throws `LedgerUnavailable`; the rest is pending then.
   */
  async store(entries: readonly StreamEntry[]): Promise<void> {
    const { orders, others, unreadable } = sortEntries(entries);
    const stored: StreamEntry[] = [];
    const poison: Poison[] = unreadable;
    await this.#write(orders, stored, poison);
    for (const [sale, ids] of idsBySale([...others, ...stored])) {
      await this.#options.group.acknowledge(sale, ids);
    }
    this.#options.onStored(stored.length);
    for (const one of poison) {
      await this.#giveUpOrRetry(one);
    }
  }

  /**
   * Writes all at once. If the database refuses that, in halves, down to the single entries that
   * it refuses: a few statements for each of them, however large the batch.
   */
  async #write(orders: OrderEntry[], stored: StreamEntry[], poison: Poison[]): Promise<void> {
    const [first] = orders;
    if (first === undefined) {
      return;
    }
    const attempt = await this.#attempt(orders);
    switch (attempt.kind) {
      case "stored":
        stored.push(...orders.map(({ entry }) => entry));
        return;
      case "stopped":
        return;
      case "refused":
        if (orders.length === 1) {
          poison.push({ entry: first.entry, reason: attempt.reason });
          return;
        }
        await this.#write(orders.slice(0, orders.length >> 1), stored, poison);
        await this.#write(orders.slice(orders.length >> 1), stored, poison);
    }
  }

  /** For as long as the database is away, at growing intervals, and until the worker stops. */
  async #attempt(orders: readonly OrderEntry[]): Promise<Attempt> {
    const { database, pause, onDatabase } = this.#options;
    for (let failures = 0; !pause.stopped || failures === 0; failures += 1) {
      try {
        await writeOrders(database, orders);
        onDatabase(null);
        return { kind: "stored" };
      } catch (error) {
        if (!(error instanceof DatabaseError)) {
          throw error;
        }
        if (error.fault === "data") {
          onDatabase(null);
          return { kind: "refused", reason: error.message };
        }
        onDatabase(error.message);
        await pause.wait(backoffMs(failures, retryMinMs, retryMaxMs));
      }
    }
    return { kind: "stopped" };
  }

  /** Moves it to the dead letters if it was tried often enough; else it is delivered again. */
  async #giveUpOrRetry(poison: Poison): Promise<void> {
    const { group, triesMax, onPoison } = this.#options;
    const { sale, id } = poison.entry;
    const tries = await group.tries(sale, id);
    const moved = tries >= triesMax && (await group.moveToDeadLetters(sale, id, poison.reason));
    onPoison(poison, tries, moved);
  }
}
