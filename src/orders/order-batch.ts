import type { DeadRecord } from "../ledger/outbox/dead-letters.ts";
import { readEntry, type StreamEntry } from "../ledger/outbox/entry.ts";
import { encodeFullRecord } from "../sale/order.ts";
import type { SaleDefinition } from "../sale/sale.ts";
import type { SaleOrder } from "./orders-table.ts";
import type { SaleChange } from "./sales-table.ts";

/** An entry of an outbox, taken apart: all that is to be stored of it, and what cannot be. */
export interface ReadEntry {
  readonly entry: StreamEntry;
  /** Records in it, those that cannot be read as well. */
  readonly size: number;
  readonly orders: readonly PlacedOrder[];
  /** Of the sale itself. */
  readonly definition: SaleDefinition | null;
  readonly unreadable: readonly DeadRecord[];
}

/** An order, and where it stands in its entry. */
export interface PlacedOrder extends SaleOrder {
  readonly place: number;
}

/** What of an entry cannot be stored. */
export interface Refusal {
  readonly entry: StreamEntry;
  readonly record: DeadRecord;
}

/** Of an entry that cannot be stored as a whole, there is no place to name. */
export const wholeEntry = -1;

/** Takes an entry apart. Whatever is in it, it can be stored or become a dead letter. */
export function takeApart(entry: StreamEntry): ReadEntry {
  const nothing = { entry, size: 0, orders: [], definition: null, unreadable: [] };
  const reading = readEntry(entry);
  switch (reading.kind) {
    case "gone":
      return nothing;
    case "sale":
      return { ...nothing, definition: reading.definition };
    case "unreadable":
      return { ...nothing, unreadable: [refusedWhole(reading.reason)] };
    case "orders": {
      const { records } = reading;
      const unreadable = reading.unreadable.map(({ place, token, text, reason }) => ({
        place,
        token,
        record: text,
        reason,
      }));
      const orders: PlacedOrder[] = [];
      for (const [place, record] of records.entries()) {
        if (record !== null) {
          orders.push({ sale: entry.sale, record, place });
        }
      }
      return { ...nothing, size: records.length, orders, unreadable };
    }
  }
}

/** An entry that cannot be stored as a whole. */
export function refusedWhole(reason: string): DeadRecord {
  return { place: wholeEntry, token: "", record: "", reason };
}

/** An order that cannot be stored. */
export function refusedOrder({ place, record }: PlacedOrder, reason: string): DeadRecord {
  return { place, token: record.token, record: encodeFullRecord(record), reason };
}

/** Cuts entries into batches that are full with `recordsMax` records, whole entries each. */
export function* cutBatches(
  entries: readonly ReadEntry[],
  recordsMax: number,
): Generator<readonly ReadEntry[]> {
  let batch: ReadEntry[] = [];
  let rows = 0;
  for (const entry of entries) {
    batch.push(entry);
    rows += rowsOf(entry);
    if (rows >= recordsMax) {
      yield batch;
      batch = [];
      rows = 0;
    }
  }
  if (batch.length > 0) {
    yield batch;
  }
}

/** One without a record has a row of its own, too. */
function rowsOf({ size }: ReadEntry): number {
  return Math.max(1, size);
}

/** Records of entries, and one for each entry that has none. */
export function countRows(entries: readonly ReadEntry[]): number {
  return entries.reduce((sum, entry) => sum + rowsOf(entry), 0);
}

/** A change of a sale that is to be stored, with its secret if that is not stored yet. */
export interface EntryChange extends SaleChange {
  readonly entry: StreamEntry;
}
