import { BulkInsert } from "./bulk-insert.ts";
import type { Database } from "./database.ts";

/** An entry of a sale's outbox that is stored. */
export interface StoredEntry {
  readonly sale: string;
  readonly id: string;
  /** Orders in it. */
  readonly records: number;
}

/** There is one ledger, which was never replaced by a replica of it. */
const term = 0;

const insert = new BulkInsert<StoredEntry>(
  "entries",
  [
    { name: "sale", type: "TEXT", valueOf: ({ sale }) => sale },
    { name: "term", type: "BIGINT", valueOf: () => term },
    { name: "id", type: "TEXT", valueOf: ({ id }) => id },
    { name: "records", type: "INTEGER", valueOf: ({ records }) => records },
  ],
  "ON CONFLICT (sale, term, id) DO NOTHING",
);

/** Notes entries down as stored, within the transaction of the caller. Throws `DatabaseError`. */
export async function writeEntries(
  database: Database,
  entries: readonly StoredEntry[],
): Promise<void> {
  await insert.run(database, entries);
}
