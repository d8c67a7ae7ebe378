import type { AuditResult } from "../../ledger/audit.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import type { Crowd } from "../load/crowd.ts";

/** The books after a crowd has been served. */
export interface Books {
  readonly total: number | null;
  readonly held: number | null;
  readonly paid: number | null;
  readonly left: number | null;
  /** Orders in the ledger. */
  readonly orders: number;
  /** Orders, serials, request keys and `held` events that appear more than once. */
  readonly duplicates: number;
  /** Who was told "sold" and has no order, and orders that the stream does not have. */
  readonly lost: number;
}

/** Differences of the books that are said one by one. */
const saidMax = 10;

/** The books, and every reason for which they do not balance with what the crowd was told. */
export interface Judgement {
  readonly books: Books;
  readonly faults: readonly string[];
}

/**
 * Holds what a crowd was told against the ledger. `before` is the sale as it was before the crowd;
 * nobody else may have bought or operated meanwhile.
 */
export function judge(crowd: Crowd, before: SaleSnapshot, audit: AuditResult): Judgement {
  const faults = audit.differences.slice(0, saidMax).map(({ text }) => text);
  if (audit.differenceCount > faults.length) {
    faults.push(`and ${audit.differenceCount - faults.length} more; "sluice audit" tells them`);
  }
  const { sold, soldOut, undecided, failed, other } = crowd.outcomes;
  const made = (audit.stock.serial ?? 0) - before.serial;
  const unacknowledged = made - sold;
  const lostToCrowd = Math.max(0, -unacknowledged);
  if (lostToCrowd > 0) {
    faults.push(`${sold} requests were told "sold", but only ${made} orders were made`);
  }
  // Whoever got no answer, or one that leaves it open, may have an order.
  const open = undecided + failed + other;
  if (unacknowledged > open) {
    faults.push(
      `${made} orders were made, but ${sold} requests were told "sold", ${open} are open`,
    );
  }
  const { total, held, paid, left, epoch } = audit.stock;
  if (left !== null && left > 0 && soldOut > 0 && epoch === before.epoch) {
    faults.push(
      `${soldOut} requests were told "sold out", but ${left} tickets are left: undersold`,
    );
  }
  const lost = lostToCrowd + audit.lost;
  const books = {
    total,
    held,
    paid,
    left,
    orders: audit.orders,
    duplicates: audit.duplicates,
    lost,
  };
  return { books, faults };
}
