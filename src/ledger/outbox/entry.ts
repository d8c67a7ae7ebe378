import { reasonOf } from "../../process/errors.ts";
import { type OrderRecord, orderStates, parseOrderRecord } from "../../sale/order.ts";

/** One entry of a sale's outbox, as it is stored: nothing is trusted yet. */
export interface StreamEntry {
  readonly sale: string;
  /** `ms-n` by the ledger's clock. */
  readonly id: string;
  /** Names and values by turns; null where the entry was deleted after it had been delivered. */
  readonly fields: readonly string[] | null;
}

/** What is in an entry. */
export type EntryReading =
  | { readonly kind: "order"; readonly record: OrderRecord }
  /** An event of the sale, or an entry that is gone: nothing to store. */
  | { readonly kind: "other" }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Reads an entry: an order's has one field, named after its new state, with its record. */
export function readEntry({ sale, fields }: StreamEntry): EntryReading {
  const [name, value] = fields ?? [];
  if (name === undefined || name === "event") {
    return { kind: "other" };
  }
  if (!(orderStates as readonly string[]).includes(name) || value === undefined) {
    return { kind: "unreadable", reason: `its first field is ${JSON.stringify(name)}` };
  }
  try {
    const record = parseOrderRecord(sale, value);
    return record.state === name
      ? { kind: "order", record }
      : { kind: "unreadable", reason: `it is named ${name}, and its record is ${record.state}` };
  } catch (error) {
    // The one thing that parseOrderRecord throws.
    return { kind: "unreadable", reason: reasonOf(error) };
  }
}
