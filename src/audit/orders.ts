import { type BatchRow, readBatchRow } from "../ledger/outbox/entry.ts";
import { reasonOf } from "../process/errors.ts";
import {
  batchRefOf,
  briefOrderId,
  briefToken,
  encodeFullRecord,
  type OrderRecord,
  readOrderRecord,
} from "../sale/order.ts";
import type { SaleBooks } from "./books.ts";
import { type EventBooks, isSameRecord, mayBeTrimmed, type OrderEvents } from "./events.ts";
import type { Findings } from "./findings.ts";
import type { AuditedStock } from "./stock.ts";

/** The orders of a ledger, but for those whose records cannot be read. */
export interface LedgerOrders {
  readonly byToken: ReadonlyMap<string, OrderRecord>;
  /** Oldest first. */
  readonly bySerial: readonly OrderRecord[];
  /** Those whose records name a batch, by its ref. */
  readonly byBatch: ReadonlyMap<string, readonly OrderRecord[]>;
  /** Those that name none. */
  readonly alone: readonly OrderRecord[];
  /** By ref; null where the row cannot be read. */
  readonly batches: ReadonlyMap<string, BatchRow | null>;
}

/** Reads the records of all orders. One that cannot be read is a difference. */
export function readOrders(books: SaleBooks, findings: Findings): LedgerOrders {
  const batches = new Map<string, BatchRow | null>();
  for (const [ref, text] of books.batches) {
    batches.set(ref, readBatchRow(ref, text));
  }
  const byToken = new Map<string, OrderRecord>();
  const byBatch = new Map<string, OrderRecord[]>();
  const alone: OrderRecord[] = [];
  /** Tokens of orders whose batch has no row, by its ref. */
  const strays = new Map<string, string[]>();
  for (const [token, text] of books.orders) {
    const ref = batchRefOf(text);
    const batch = ref === null ? null : batches.get(ref);
    if (ref !== null && batch === undefined) {
      listOf(strays, ref).push(token);
      continue;
    }
    if (ref !== null && batch === null) {
      continue; // Named where its row is.
    }
    try {
      const record = readOrderRecord(token, text, batch ?? null);
      byToken.set(token, record);
      (ref === null ? alone : listOf(byBatch, ref)).push(record);
    } catch (error) {
      // The one thing that readOrderRecord throws.
      const brief = briefToken(token);
      findings.add("order", brief, `token ${brief}: ${reasonOf(error)}`);
    }
  }
  for (const [ref, tokens] of strays) {
    const text = `batch ${ref}: it is not there, but ${tokens.length} records name it, one of them of`;
    findings.add("batch", ref, `${text} token ${briefToken(tokens[0] ?? "")}`);
  }
  const bySerial = [...byToken.values()].sort((a, b) => a.serial - b.serial);
  return { byToken, bySerial, byBatch, alone, batches };
}

function listOf<T>(lists: Map<string, T[]>, name: string): T[] {
  const known = lists.get(name);
  if (known !== undefined) {
    return known;
  }
  const list: T[] = [];
  lists.set(name, list);
  return list;
}

/** Held and paid are what the orders make. */
export function compareTickets(
  orders: LedgerOrders,
  stock: AuditedStock,
  findings: Findings,
): void {
  const sums = { held: 0, paid: 0, released: 0 };
  for (const { state, quantity } of orders.bySerial) {
    sums[state] += quantity;
  }
  for (const state of ["held", "paid"] as const) {
    if (stock[state] !== null && stock[state] !== sums[state]) {
      const text = `stock: ${stock[state]} tickets are ${state}, the orders make ${sums[state]}`;
      findings.add("stock", state, text);
    }
  }
}

/** No two orders share a serial, and none is above the newest; gaps mean nothing. */
export function compareSerials(
  sale: string,
  { bySerial }: LedgerOrders,
  stock: AuditedStock,
  findings: Findings,
): void {
  let before: OrderRecord | null = null;
  for (const record of bySerial) {
    if (before?.serial === record.serial) {
      const owners = `${briefOrderId(sale, before)} and ${briefOrderId(sale, record)}`;
      const text = `serial ${record.serial}: both ${owners} have it`;
      findings.add("duplicate", String(record.serial), text);
    }
    before = record;
  }
  const last = before?.serial ?? 0;
  if (stock.serial !== null && stock.serial < last) {
    const text = `stock: serial is ${stock.serial}, but there is an order ${last}`;
    findings.add("serial", "serial", text);
  }
}

/** Each order is in the stream: once as held, and as it is now. */
export function compareWithStream(
  books: SaleBooks,
  orders: LedgerOrders,
  events: EventBooks,
  findings: Findings,
): void {
  for (const record of orders.bySerial) {
    const { token, serial } = record;
    const streamed = events.orders.get(token);
    const hasHeld = streamed !== undefined && streamed.heldIds.length > 0;
    if (!hasHeld && !mayBeTrimmed(events, serial)) {
      findings.add("lost", String(serial), `order ${serial}: it has no held event in the stream`);
    }
    if (streamed !== undefined) {
      compareOrder(record, streamed, findings);
    }
  }
  for (const [token, { record }] of events.orders) {
    if (!books.orders.has(token)) {
      const text = `stream: it has order ${record.serial}, which is not there`;
      findings.add("event", String(record.serial), text);
    }
  }
}

function compareOrder(record: OrderRecord, streamed: OrderEvents, findings: Findings): void {
  const subject = String(record.serial);
  const { heldIds } = streamed;
  if (heldIds.length > 1) {
    const ids = heldIds.slice(0, 5).join(", ");
    const text = `order ${subject}: ${heldIds.length} held events (${ids}), there must be one`;
    findings.add("duplicate", subject, text);
  }
  const mayBeNewer = streamed.late && record.revision > streamed.record.revision;
  if (!mayBeNewer && !isSameRecord(record, streamed.record)) {
    const [here, there] = [record, streamed.record].map((each) =>
      JSON.stringify(encodeFullRecord(each)),
    );
    const text = `order ${subject}: the ledger has ${here}, its last event has ${there}`;
    findings.add("event", subject, text);
  }
}
