import { batchRefOf, type OrderRecord, readOrderRecord } from "../sale/order.ts";
import { readBatchRow } from "./outbox/entry.ts";

/**
 * The orders of a sale by their tokens, out of the whole of `orders` and `batches`. Throws if a record
 * is none.
 */
export function readRecords(
  orders: ReadonlyMap<string, string>,
  batches: ReadonlyMap<string, string>,
): Map<string, OrderRecord> {
  const records = new Map<string, OrderRecord>();
  for (const [token, text] of orders) {
    const ref = batchRefOf(text);
    const batch = ref === null ? null : readBatchRow(ref, batches.get(ref) ?? "");
    records.set(token, readOrderRecord(token, text, batch));
  }
  return records;
}
