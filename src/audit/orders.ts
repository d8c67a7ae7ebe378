import { reasonOf } from "../process/errors.ts";
import { type OrderRecord, parseOrderRecord } from "../sale/order.ts";
import type { SaleBooks } from "./books.ts";
import { type EventBooks, mayBeTrimmed, type OrderEvents } from "./events.ts";
import type { Findings } from "./findings.ts";
import { compareBuyers, compareDeadlines, compareRequests } from "./indexes.ts";
import type { AuditedStock } from "./stock.ts";

/** Holds the orders against stock, stream, request keys, buyers and deadlines. */
export function compareOrders(
  books: SaleBooks,
  stock: AuditedStock,
  events: EventBooks,
  findings: Findings,
): void {
  const orders = readOrders(books, findings);
  compareTickets(orders, stock, findings);
  compareSerials(orders, stock, findings);
  compareWithStream(books, events, findings);
  compareRequests(books, orders, findings);
  compareBuyers(books, orders, stock, findings);
  compareDeadlines(books, orders, findings);
}

function readOrders(books: SaleBooks, findings: Findings): OrderRecord[] {
  const orders: OrderRecord[] = [];
  for (const [serial, stored] of books.orders) {
    const record = readOrder(books.sale, serial, stored, findings);
    if (record === null) {
      continue;
    }
    orders.push(record);
    if (serial !== String(record.serial)) {
      const text = `order ${serial}: its record is of order ${record.serial}`;
      findings.add("order", serial, text);
    }
    if (record.quantity < 1) {
      findings.add("order", serial, `order ${serial}: it is for ${record.quantity} tickets`);
    }
  }
  return orders;
}

function readOrder(
  sale: string,
  serial: string,
  stored: string,
  findings: Findings,
): OrderRecord | null {
  try {
    return parseOrderRecord(sale, stored);
  } catch (error) {
    const reason = reasonOf(error);
    findings.add("order", serial, `order ${serial}: ${reason}`);
    return null;
  }
}

function compareTickets(
  orders: readonly OrderRecord[],
  stock: AuditedStock,
  findings: Findings,
): void {
  const sums = { held: 0, paid: 0, released: 0 };
  for (const { state, quantity } of orders) {
    sums[state] += quantity;
  }
  for (const state of ["held", "paid"] as const) {
    if (stock[state] !== null && stock[state] !== sums[state]) {
      const text = `stock: ${stock[state]} tickets are ${state}, the orders make ${sums[state]}`;
      findings.add("stock", state, text);
    }
  }
}

/** Serials go from 1 to the newest without a gap, and no two orders share one. */
function compareSerials(
  orders: readonly OrderRecord[],
  stock: AuditedStock,
  findings: Findings,
): void {
  const ordered = [...orders].sort((a, b) => a.serial - b.serial);
  const newest = stock.serial;
  let last = 0;
  for (const { serial, order } of ordered) {
    if (serial === last) {
      const text = `serial ${serial}: two orders have it, one of them ${order}`;
      findings.add("duplicate", String(serial), text);
    } else if (serial > last + 1) {
      nameGap(last + 1, serial - 1, findings);
    }
    last = serial;
  }
  if (newest !== null && newest > last) {
    nameGap(last + 1, newest, findings);
  }
  if (newest !== null && newest < last) {
    findings.add("serial", "serial", `stock: serial is ${newest}, but there is an order ${last}`);
  }
}

function nameGap(first: number, last: number, findings: Findings): void {
  const text =
    first === last
      ? `serial ${first}: no order has it`
      : `serials ${first} to ${last}: no order has them`;
  findings.add("serial", String(first), text);
}

function compareWithStream(books: SaleBooks, events: EventBooks, findings: Findings): void {
  for (const [serial, record] of books.orders) {
    const streamed = events.orders.get(serial);
    const hasHeld = streamed !== undefined && streamed.heldIds.length > 0;
    if (!hasHeld && !mayBeTrimmed(events, serial)) {
      findings.add("lost", serial, `order ${serial}: it has no held event in the stream`);
    } else if (streamed !== undefined) {
      compareOrderWithStream(serial, record, streamed, findings);
    }
  }
  for (const serial of events.orders.keys()) {
    if (!books.orders.has(serial)) {
      const text = `stream: it has order ${serial}, which is not there`;
      findings.add("event", serial, text);
    }
  }
}

function compareOrderWithStream(
  serial: string,
  record: string,
  streamed: OrderEvents,
  findings: Findings,
): void {
  if (streamed.heldIds.length > 1) {
    const ids = streamed.heldIds.slice(0, 5).join(", ");
    const text = `order ${serial}: ${streamed.heldIds.length} held events (${ids}), there must be one`;
    findings.add("duplicate", serial, text);
  }
  if (record !== streamed.record) {
    const values = `${JSON.stringify(record)}, its last event has ${JSON.stringify(streamed.record)}`;
    findings.add("event", serial, `order ${serial}: the ledger has ${values}`);
  }
}
