import type { StreamGroup } from "../ledger/outbox/group.ts";
import { backoffMs } from "../process/backoff.ts";
import { secretId } from "../sale/tokens.ts";
import { type Database, DatabaseError } from "./database.ts";
import {
  type EntryChange,
  type ReadEntry,
  type Refusal,
  refusedWhole,
  wholeEntry,
} from "./order-batch.ts";
import type { Pause } from "./pause.ts";
import { writeAllButRefused, writeBatch, type WrittenBatch } from "./write-batch.ts";

/** An entry of which something cannot be stored. */
export interface Poison {
  readonly sale: string;
  readonly id: string;
  /** How many of its records, and of the first one its place and the reason. */
  readonly records: number;
  readonly place: number;
  readonly reason: string;
}

export interface OrderStoreOptions {
  readonly database: Database;
  readonly group: Pick<StreamGroup, "acknowledge" | "readSecret" | "tries" | "moveToDeadLetters">;
  /** Deliveries of an entry of which something cannot be stored, before that is a dead letter. */
  readonly triesMax: number;
  readonly pause: Pause;
  /** Records of orders that are stored. */
  readonly onStored: (records: number) => void;
  /** The database answered (null), or why it did not. */
  readonly onDatabase: (fault: string | null) => void;
  /** `moved`: it is among the dead letters now; else its entry stays pending. */
  readonly onPoison: (poison: Poison, tries: number, moved: boolean) => void;
}

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
  /** Sales whose secret is in the database, and the secret's name. */
  readonly #secrets = new Map<string, string>();

  constructor(options: OrderStoreOptions) {
    this.#options = options;
  }

  /**
   * Stores a batch in one transaction and acknowledges its entries. An entry of which something
   * cannot be stored stays pending, to be delivered again, up to `triesMax` times; then that
   * becomes dead letters, and the entry is acknowledged. What is not stored yet when the worker is
   * asked to stop stays pending as well. Throws `LedgerUnavailable`; the rest is pending then.
   */
  async store(entries: readonly ReadEntry[]): Promise<void> {
    const { group, onStored } = this.#options;
    const refusals: Refusal[] = entries.flatMap(({ entry, unreadable }) =>
      unreadable.map((record) => ({ entry, record })),
    );
    const changes = await this.#readChanges(entries, refusals);
    const refused = await this.#write({ entries, changes });
    if (refused === null) {
      return;
    }
    refusals.push(...refused);
    const poisonous = Map.groupBy(refusals, ({ entry }) => entry);
    for (const { entry, sale, definition } of changes) {
      if (!poisonous.has(entry)) {
        this.#secrets.set(sale, definition.secretId);
      }
    }
    for (const [sale, ids] of idsBySale(entries, new Set(poisonous.keys()))) {
      await group.acknowledge(sale, ids);
    }
    const tried = entries.reduce((sum, { orders }) => sum + orders.length, 0);
    onStored(tried - refused.filter(({ record }) => record.place !== wholeEntry).length);
    for (const records of poisonous.values()) {
      await this.#giveUpOrRetry(records);
    }
  }

  /**
   * The changes of sales, each with the secret unless that is stored. One that the ledger has no
   * secret for, or another one, cannot be stored. Throws `LedgerUnavailable`.
   */
  async #readChanges(entries: readonly ReadEntry[], refusals: Refusal[]): Promise<EntryChange[]> {
    const changes: EntryChange[] = [];
    for (const { entry, definition } of entries) {
      if (definition === null) {
        continue;
      }
      const { sale } = entry;
      if (this.#secrets.get(sale) === definition.secretId) {
        changes.push({ entry, sale, definition, secret: null });
        continue;
      }
      const secret = await this.#options.group.readSecret(sale);
      if (secret === null || secretId(secret) !== definition.secretId) {
        const which = secret === null ? "no secret" : "another secret than this change of it names";
        refusals.push({ entry, record: refusedWhole(`the ledger has ${which} for the sale`) });
      } else {
        changes.push({ entry, sale, definition, secret });
      }
    }
    return changes;
  }

  /**
   * For as long as the database is away, at growing intervals, and until the worker stops (null).
   * Returns what the database refuses.
   */
  async #write(batch: WrittenBatch): Promise<Refusal[] | null> {
    const { database, pause, onDatabase } = this.#options;
    let isRefused = false;
    for (let failures = 0; !pause.stopped || failures === 0;) {
      try {
        const refusals = isRefused ? await writeAllButRefused(database, batch) : [];
        if (!isRefused) {
          await writeBatch(database, batch);
        }
        onDatabase(null);
        return refusals;
      } catch (error) {
        if (!(error instanceof DatabaseError)) {
          throw error;
        }
        if (error.fault === "data" && !isRefused) {
          isRefused = true;
          continue;
        }
        onDatabase(error.message);
        await pause.wait(backoffMs(failures, retryMinMs, retryMaxMs));
        failures += 1;
      }
    }
    return null;
  }

  /** Moves it to the dead letters if it was tried often enough; else it is delivered again. */
  async #giveUpOrRetry(refusals: readonly Refusal[]): Promise<void> {
    const { group, triesMax, onPoison } = this.#options;
    const [first] = refusals;
    if (first === undefined) {
      return;
    }
    const { entry, record } = first;
    const { sale, id } = entry;
    const dead = refusals.map((refusal) => refusal.record);
    const tries = await group.tries(sale, id);
    const moved = tries >= triesMax && (await group.moveToDeadLetters(sale, id, dead)) > 0;
    const { place, reason } = record;
    onPoison({ sale, id, records: dead.length, place, reason }, tries, moved);
  }
}

/** Ids of entries by their sale, without some. */
function idsBySale(
  entries: readonly ReadEntry[],
  without: ReadonlySet<Refusal["entry"]>,
): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { entry } of entries) {
    if (!without.has(entry)) {
      const known = ids.get(entry.sale) ?? [];
      known.push(entry.id);
      ids.set(entry.sale, known);
    }
  }
  return ids;
}
