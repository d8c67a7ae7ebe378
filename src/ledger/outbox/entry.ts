import { type OrderBatch, type OrderRecord, readOrderRecord } from "../../sale/order.ts";
import { isSaleEvent, isSaleState, type SaleDefinition } from "../../sale/sale.ts";

/** One entry of a sale's outbox, as it is stored: nothing is trusted yet. */
export interface StreamEntry {
  readonly sale: string;
  /** `ms-n` by the ledger's clock. */
  readonly id: string;
  /** Names and values by turns; null where the entry was deleted after it had been delivered. */
  readonly fields: readonly string[] | null;
}

/** Records in one entry, at most: those of the largest batch. */
export const entryRecordsMax = 1_000;

/** A record of an entry that cannot be read, by its place in it. */
export interface UnreadableRecord {
  /** From 0. */
  readonly place: number;
  readonly token: string;
  readonly text: string;
  readonly reason: string;
}

/** What is in an entry. */
export type EntryReading =
  | {
      readonly kind: "orders";
      /** By their place in the entry; null where it is one of `unreadable`. */
      readonly records: readonly (OrderRecord | null)[];
      readonly unreadable: readonly UnreadableRecord[];
      /** The batch that its short records name; null: it has none. */
      readonly batch: OrderBatch | null;
      /** Of the dead letter that it was sent back from; null: it is none. */
      readonly letter: string | null;
    }
  | { readonly kind: "sale"; readonly definition: SaleDefinition }
  /** It was deleted after it had been delivered: nothing to store. */
  | { readonly kind: "gone" }
  | { readonly kind: "unreadable"; readonly reason: string };

/**
 * Reads an entry: `n N orders TEXT` or `n N sale TEXT`, N being the number of records that the sale
 * has had so far. Scripts write it: redis/scripts/lib/entry.lua. Reasons do not have its text,
 * since they are logged and tokens are not.
 */
export function readEntry({ fields }: StreamEntry): EntryReading {
  if (fields === null) {
    return { kind: "gone" };
  }
  const [, count, kind, text = "", , letter = null] = fields;
  if (fields[0] !== "n" || !/^\d{1,15}$/.test(count ?? "")) {
    return { kind: "unreadable", reason: "it does not begin with the number of records" };
  }
  if (kind === "orders") {
    return readOrders(text, letter);
  }
  if (kind === "sale") {
    const definition = readSaleDefinition(text);
    return definition === null
      ? { kind: "unreadable", reason: "it is no definition of a sale" }
      : { kind: "sale", definition };
  }
  return { kind: "unreadable", reason: "it is neither of orders nor of a sale" };
}

/** The number of records of a sale up to this entry, itself included; null if it has none. */
export function recordsUpTo({ fields }: Pick<StreamEntry, "fields">): number | null {
  return fields?.[0] === "n" && /^\d{1,15}$/.test(fields[1] ?? "") ? Number(fields[1]) : null;
}

/**
 * The text of an entry of orders: a line for the batch, empty without one, then for each order a
 * line with its token and one with its record.
 */
function readOrders(text: string, letter: string | null): EntryReading {
  const lines = text.split("\n");
  const [head = ""] = lines;
  const batch = head === "" ? null : readBatchLine(head);
  const count = (lines.length - 1) / 2;
  if ((head !== "" && batch === null) || count % 1 !== 0 || count > entryRecordsMax) {
    return { kind: "unreadable", reason: "it is no list of orders" };
  }
  const records: (OrderRecord | null)[] = [];
  const unreadable: UnreadableRecord[] = [];
  for (let place = 0; place < count; place += 1) {
    const token = lines[place * 2 + 1] ?? "";
    const record = lines[place * 2 + 2] ?? "";
    try {
      records.push(readOrderRecord(token, record, batch));
    } catch {
      // Its message has the record, in which a token may stand if lines are missing.
      records.push(null);
      const reason = "it is no record of an order, or none of the entry's batch";
      unreadable.push({ place, token, text: record, reason });
    }
  }
  return { kind: "orders", records, unreadable, batch, letter };
}

/** The first line of a batch's entry: ref, first serial, held at, pay by. Null if it is none. */
function readBatchLine(line: string): OrderBatch | null {
  const [, ref, first, heldAtMs, payByMs] =
    /^([\w.-]{1,64})\t(\d{1,15})\t(\d{1,15})\t(\d{1,15})$/.exec(line) ?? [];
  return ref === undefined
    ? null
    : { ref, first: Number(first), heldAtMs: Number(heldAtMs), payByMs: Number(payByMs) };
}

/** A row of `batches`: entry, first serial, held at, pay by, and how many records name it. */
export interface BatchRow extends OrderBatch {
  readonly entry: string;
  readonly living: number;
}

/** Reads a row of `batches`; null if it is none. */
export function readBatchRow(ref: string, text: string): BatchRow | null {
  const [, entry, first, heldAtMs, payByMs, living] =
    /^(\d+-\d+)\t(\d{1,15})\t(\d{1,15})\t(\d{1,15})\t(\d{1,4})$/.exec(text) ?? [];
  return entry === undefined
    ? null
    : {
        ref,
        entry,
        first: Number(first),
        heldAtMs: Number(heldAtMs),
        payByMs: Number(payByMs),
        living: Number(living),
      };
}

/** Fields of a later version, behind these, are skipped. */
const definitionFields = 9;

function readSaleDefinition(text: string): SaleDefinition | null {
  const fields = text.split("\t");
  const [revision, changedAtMs, cause = "", state = "", total] = fields;
  const [limit, holdMs, opensAtMs, secret = ""] = fields.slice(5);
  const numbers = {
    revision: Number(revision),
    changedAtMs: Number(changedAtMs),
    total: Number(total),
    limit: Number(limit),
    holdMs: Number(holdMs),
    opensAtMs: Number(opensAtMs),
  };
  if (
    fields.length < definitionFields ||
    !isSaleEvent(cause) ||
    !isSaleState(state) ||
    !Object.values(numbers).every(Number.isSafeInteger)
  ) {
    return null;
  }
  return { ...numbers, cause, state, secretId: secret };
}
