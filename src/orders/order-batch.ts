import { readEntry, type StreamEntry } from "../ledger/outbox/entry.ts";
import type { SaleOrder } from "./orders-table.ts";

/** An entry with the new record of an order. */
export interface OrderEntry extends SaleOrder {
  readonly entry: StreamEntry;
}

/** An entry that cannot be stored, and why. */
export interface Poison {
  readonly entry: StreamEntry;
  readonly reason: string;
}

export interface OrderBatch {
  readonly orders: OrderEntry[];
  /** Nothing to store: events of the sale, entries that are gone. */
  readonly others: StreamEntry[];
  readonly unreadable: Poison[];
}

/** Tells the entries of a batch apart. */
export function sortEntries(entries: readonly StreamEntry[]): OrderBatch {
  const batch: OrderBatch = { orders: [], others: [], unreadable: [] };
  for (const entry of entries) {
    const reading = readEntry(entry);
    switch (reading.kind) {
      case "order":
        batch.orders.push({ sale: entry.sale, record: reading.record, entry });
        break;
      case "other":
        batch.others.push(entry);
        break;
      case "unreadable":
        batch.unreadable.push({ entry, reason: reading.reason });
        break;
    }
  }
  return batch;
}

/** Ids of entries by their sale. */
export function idsBySale(entries: Iterable<StreamEntry>): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { sale, id } of entries) {
    const known = ids.get(sale);
    if (known === undefined) {
      ids.set(sale, [id]);
    } else {
      known.push(id);
    }
  }
  return ids;
}
