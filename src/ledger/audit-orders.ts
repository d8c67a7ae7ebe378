import type { SaleBooks } from "./audit-books.ts";
import type { EventBooks, OrderEvents } from "./audit-events.ts";
import type { Findings } from "./audit-findings.ts";
import { compareBuyers, compareDeadlines, compareRequests } from "./audit-indexes.ts";
import type { AuditedStock } from "./audit-stock.ts";
import { type OrderRecord, parseOrderRecord, saleOfOrder } from "./order-record.ts";

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
  for (const [order, stored] of books.orders) {
    const record = readOrder(order, stored, findings);
    if (record === null) {
      continue;
    }
    orders.push(record);
    const { serial, quantity } = record;
    if (saleOfOrder(order) !== books.sale || order.split(".")[1] !== String(serial)) {
      const text = `order ${order}: its id does not name sale ${books.sale} and serial ${serial}`;
      findings.add("order", order, text);
    }
    if (quantity < 1) {
      findings.add("order", order, `order ${order}: it is for ${quantity} tickets`);
    }
  }
  return orders;
}

function readOrder(order: string, stored: string, findings: Findings): OrderRecord | null {
  try {
    return parseOrderRecord(order, stored);
  } catch (error) {
    findings.add("order", order, error instanceof Error ? error.message : String(error));
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

function compareSerials(
  orders: readonly OrderRecord[],
  stock: AuditedStock,
  findings: Findings,
): void {
  const ordered = [...orders].sort((a, b) => a.serial - b.serial);
  const newest = stock.serial;
  let previous: OrderRecord | null = null;
  for (const current of ordered) {
    const expected: number = (previous?.serial ?? 0) + 1;
    if (current.serial === previous?.serial) {
      const text = `serial ${current.serial}: both ${previous.order} and ${current.order} have it`;
      findings.add("duplicate", String(current.serial), text);
    } else if (current.serial > expected) {
      nameGap(expected, current.serial - 1, findings);
    }
    previous = current;
  }
  const last = previous?.serial ?? 0;
  if (newest !== null && newest > last) {
    nameGap(last + 1, newest, findings);
  }
  if (newest !== null && newest < last) {
    const text = `stock: serial is ${newest}, but order ${previous?.order} has serial ${last}`;
    findings.add("serial", "serial", text);
  }
}

function nameGap(first: number, last: number, findings: Findings): void {
  const which = first === last ? `serial ${first}` : `serials ${first} to ${last}`;
  findings.add("serial", String(first), `${which}: no order has ${first === last ? "it" : "them"}`);
}

function compareWithStream(books: SaleBooks, events: EventBooks, findings: Findings): void {
  for (const [order, record] of books.orders) {
    const said = events.orders.get(order);
    if (said === undefined) {
      findings.add("lost", order, `order ${order}: it has no held event in the stream`);
    } else {
      compareOrderWithStream(order, record, said, findings);
    }
  }
  for (const [order, said] of events.orders) {
    if (!books.orders.has(order)) {
      const text = `entry ${said.heldIds[0]}: it holds order ${order}, which is not there`;
      findings.add("event", order, text);
    }
  }
}

function compareOrderWithStream(
  order: string,
  record: string,
  said: OrderEvents,
  findings: Findings,
): void {
  if (said.heldIds.length > 1) {
    const ids = said.heldIds.slice(0, 5).join(", ");
    const text = `order ${order}: ${said.heldIds.length} held events (${ids}), there must be one`;
    findings.add("duplicate", order, text);
  }
  // The state is what changes in the life of an order; all that follows it is fixed.
  const [core, saidCore] = [record, said.record].map((text) => text.slice(text.indexOf("\t")));
  if (core !== saidCore) {
    const values = `${JSON.stringify(record)}, its held event says ${JSON.stringify(said.record)}`;
    findings.add("event", order, `order ${order}: the ledger says ${values}`);
  }
  const state = record.slice(0, Math.max(0, record.indexOf("\t")));
  if (state !== said.state) {
    const text = `order ${order}: it is ${state}, the stream's last word is ${said.state}`;
    findings.add("event", order, text);
  }
}
