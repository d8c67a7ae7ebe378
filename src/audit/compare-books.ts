import { compareBatches } from "./batches.ts";
import type { SaleBooks } from "./books.ts";
import { compareBuyers } from "./buyers.ts";
import { compareDeadlines } from "./deadlines.ts";
import { type EventBooks, mayBeTrimmed, readEvents } from "./events.ts";
import { type Difference, Findings } from "./findings.ts";
import {
  compareSerials,
  compareTickets,
  compareWithStream,
  type LedgerOrders,
  readOrders,
} from "./orders.ts";
import { type AuditedStock, compareSecret, compareStockWithEvents, readStock } from "./stock.ts";

export interface AuditResult {
  readonly sale: string;
  readonly stock: AuditedStock;
  readonly orders: number;
  /** Entries of the stream. */
  readonly events: number;
  /** Orders whose `held` event was trimmed; that they are stored only the database can show. */
  readonly trimmed: number;
  /** Orders, serials, tokens and `held` events that appear more than once. */
  readonly duplicates: number;
  /** Orders without a `held` event, which would never reach the orders database. */
  readonly lost: number;
  /** How many differences there are; the first thousand stand in `differences`. */
  readonly differenceCount: number;
  readonly differences: readonly Difference[];
}

/**
 * Holds the books of a sale against each other: stock, secret, orders, batches, buyers, deadlines and
 * stream. Pure: it compares what was read, and trusts none of it. What it finds goes to `findings`.
 */
export function compareBooks(
  books: SaleBooks,
  findings = new Findings(),
  orders: LedgerOrders = readOrders(books, findings),
): AuditResult {
  const stock = readStock(books.stock, findings);
  const events = readEvents(books, findings);
  compareSecret(books, findings);
  compareStockWithEvents(books, stock, events, findings);
  compareTickets(orders, stock, findings);
  compareSerials(books.sale, orders, stock, findings);
  compareWithStream(books, orders, events, findings);
  compareBatches(books, orders, events, findings);
  compareBuyers(books, orders, stock, findings);
  compareDeadlines(books, orders, findings);
  return {
    sale: books.sale,
    stock,
    orders: books.orders.size,
    events: books.events.length,
    trimmed: countTrimmed(orders, events),
    duplicates: findings.count("duplicate"),
    lost: findings.count("lost"),
    differenceCount: findings.total,
    differences: findings.kept,
  };
}

function countTrimmed({ bySerial }: LedgerOrders, events: EventBooks): number {
  let trimmed = 0;
  for (const { serial } of bySerial) {
    trimmed += mayBeTrimmed(events, serial) ? 1 : 0;
  }
  return trimmed;
}
