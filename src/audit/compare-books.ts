import type { SaleBooks } from "./books.ts";
import { type EventBooks, mayBeTrimmed, readEvents } from "./events.ts";
import { type Difference, Findings } from "./findings.ts";
import { compareOrders } from "./orders.ts";
import { type AuditedStock, compareStockWithEvents, readStock } from "./stock.ts";

export interface AuditResult {
  readonly sale: string;
  readonly stock: AuditedStock;
  readonly orders: number;
  readonly events: number;
  /** Orders whose `held` event was trimmed; that they are stored only the database can show. */
  readonly trimmed: number;
  /** Orders, serials, request keys and `held` events that appear more than once. */
  readonly duplicates: number;
  /** Orders without a `held` event, which would never reach the orders database. */
  readonly lost: number;
  /** How many differences there are; the first thousand stand in `differences`. */
  readonly differenceCount: number;
  readonly differences: readonly Difference[];
}

/**
 * Holds the books of a sale against each other: stock, orders, request keys, buyers, deadlines and
 * stream. Pure: it compares what was read, and trusts none of it. What it finds goes to `findings`.
 */
export function compareBooks(books: SaleBooks, findings = new Findings()): AuditResult {
  const stock = readStock(books.stock, findings);
  const events = readEvents(books, findings);
  compareStockWithEvents(books, stock, events, findings);
  compareOrders(books, stock, events, findings);
  return {
    sale: books.sale,
    stock,
    orders: books.orders.size,
    events: books.events.length,
    trimmed: countTrimmed(books, events),
    duplicates: findings.count("duplicate"),
    lost: findings.count("lost"),
    differenceCount: findings.total,
    differences: findings.kept,
  };
}

function countTrimmed(books: SaleBooks, events: EventBooks): number {
  let trimmed = 0;
  for (const serial of books.orders.keys()) {
    trimmed += mayBeTrimmed(events, serial) ? 1 : 0;
  }
  return trimmed;
}
