import type { StreamEntry } from "../ledger/outbox/entry.ts";
import { type Database, DatabaseError } from "./database.ts";
import { type StoredEntry, writeEntries } from "./entries-table.ts";
import {
  type EntryChange,
  type PlacedOrder,
  type ReadEntry,
  type Refusal,
  refusedOrder,
  refusedWhole,
} from "./order-batch.ts";
import { writeOrders } from "./orders-table.ts";
import { writeSale } from "./sales-table.ts";

/** What one transaction stores. */
export interface WrittenBatch {
  /** Their orders are stored, and they are noted down as stored if there is anything of them. */
  readonly entries: readonly ReadEntry[];
  /** Those of them that change a sale. */
  readonly changes: readonly EntryChange[];
}

/** Stores a batch whole, or nothing of it. Throws `DatabaseError`. */
export function writeBatch(database: Database, { entries, changes }: WrittenBatch): Promise<void> {
  return database.transaction(async () => {
    await writeOrders(
      database,
      entries.flatMap(({ orders }) => orders),
    );
    for (const change of changes) {
      await writeSale(database, change);
    }
    await noteStored(database, { entries, changes }, []);
  });
}

/**
 * Stores all of a batch but what the database refuses, in one transaction, and returns the latter.
 * For a batch that was refused whole. Throws `DatabaseError`.
 */
export function writeAllButRefused(
  database: Database,
  { entries, changes }: WrittenBatch,
): Promise<Refusal[]> {
  return database.transaction(async () => {
    const refusals: Refusal[] = [];
    const owned = entries.flatMap(({ entry, orders }) => orders.map((order) => ({ entry, order })));
    await writeInHalves(database, owned, refusals);
    for (const change of changes) {
      const reason = await refusalOf(database, () => writeSale(database, change));
      if (reason !== null) {
        refusals.push({ entry: change.entry, record: refusedWhole(reason) });
      }
    }
    await noteStored(database, { entries, changes }, refusals);
    return refusals;
  });
}

interface OwnedOrder {
  readonly entry: StreamEntry;
  readonly order: PlacedOrder;
}

/** Down to the single orders that are refused: a few statements for each. */
async function writeInHalves(
  database: Database,
  owned: readonly OwnedOrder[],
  refusals: Refusal[],
): Promise<void> {
  const [first] = owned;
  if (first === undefined) {
    return;
  }
  const orders = owned.map(({ order }) => order);
  const reason = await refusalOf(database, () => writeOrders(database, orders));
  if (reason === null) {
    return;
  }
  if (owned.length === 1) {
    refusals.push({ entry: first.entry, record: refusedOrder(first.order, reason) });
    return;
  }
  await writeInHalves(database, owned.slice(0, owned.length >> 1), refusals);
  await writeInHalves(database, owned.slice(owned.length >> 1), refusals);
}

/** Why the database refuses a part of a transaction, of which nothing stays then; or null. */
async function refusalOf(database: Database, write: () => Promise<void>): Promise<string | null> {
  await database.run("SAVEPOINT part");
  let reason: string | null = null;
  try {
    await write();
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.fault !== "data") {
      throw error;
    }
    reason = error.message;
    await database.run("ROLLBACK TO SAVEPOINT part");
  }
  await database.run("RELEASE SAVEPOINT part");
  return reason;
}

/** One row an entry of which anything is stored; sorted, as orders are. */
async function noteStored(
  database: Database,
  { entries, changes }: WrittenBatch,
  refusals: readonly Refusal[],
): Promise<void> {
  const changing = new Set(changes.map(({ entry }) => entry));
  const refused = Map.groupBy(refusals, ({ entry }) => entry);
  const rows: StoredEntry[] = [];
  for (const { entry, orders, size } of entries) {
    const parts = orders.length + (changing.has(entry) ? 1 : 0);
    if (parts > (refused.get(entry)?.length ?? 0)) {
      rows.push({ sale: entry.sale, id: entry.id, records: size });
    }
  }
  rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  await writeEntries(database, rows);
}

function keyOf({ sale, id }: StoredEntry): string {
  return `${sale} ${id}`;
}
