import type { SaleAudit } from "../../src/audit/audit-sale.ts";
import type { SaleSnapshot } from "../../src/sale/sale.ts";
import type { Aftermath } from "../load/aftermath.ts";
import type { Crowd } from "../load/crowd.ts";
import type { Outcomes } from "../load/outcomes.ts";

/** The books after a crowd has been served. */
export interface Books {
  readonly total: number | null;
  readonly held: number | null;
  readonly paid: number | null;
  readonly left: number | null;
  /** Orders in the database; in the ledger, where no database was looked at. */
  readonly orders: number;
  /** Orders, serials, tokens and `held` events that appear more than once. */
  readonly duplicates: number;
  /**
   * Who was told "sold" and has no order, and orders that the database does not have; those that
   * the stream does not have, where no database was looked at.
   */
  readonly lost: number;
}

/** Differences of the books that are listed one by one. */
const listedMax = 10;

/** The books, and every reason for which they do not balance with what the crowd was told. */
export interface Judgement {
  readonly books: Books;
  readonly faults: readonly string[];
}

/** What the books have of a crowd's purchases. */
export interface BooksView {
  /** The sale as it was before the crowd. */
  readonly before: SaleSnapshot;
  readonly audit: SaleAudit;
  /** Orders since then: not the difference of the serials, since those have gaps. */
  readonly made: number;
}

/**
 * Holds what a crowd was told against the books. Nobody else may have bought or operated meanwhile
 * but those of the aftermath.
 */
export function judge(
  crowd: Pick<Crowd, "outcomes">,
  { before, audit, made }: BooksView,
  aftermath: Aftermath | null = null,
): Judgement {
  const faults = audit.differences.slice(0, listedMax).map(({ text }) => text);
  if (audit.differenceCount > faults.length) {
    faults.push(`and ${audit.differenceCount - faults.length} more; "sluice audit" lists them`);
  }
  const told = [crowd.outcomes, ...(aftermath === null ? [] : [aftermath.resale])];
  const count = (kind: keyof Outcomes) => told.reduce((sum, outcomes) => sum + outcomes[kind], 0);
  const [sold, soldOut] = [count("sold"), count("soldOut")];
  const unacknowledged = made - sold;
  const lostToCrowd = Math.max(0, -unacknowledged);
  if (lostToCrowd > 0) {
    faults.push(`${sold} requests were told "sold", but only ${made} orders were made`);
  }
  // Whoever got no answer, or one that leaves it open, may have an order.
  const open = count("undecided") + count("failed") + count("other");
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
  const lost = lostToCrowd + (audit.database?.missing ?? audit.lost);
  const books = {
    total,
    held,
    paid,
    left,
    orders: audit.database?.orders ?? audit.orders,
    duplicates: audit.duplicates,
    lost,
  };
  return { books, faults: [...faults, ...(aftermath?.faults ?? [])] };
}

/**
 * Holds what single buyers and payers were told against the states that the database has by order
 * id: an order that was acknowledged is there, one whose payment was confirmed is paid.
 */
export function judgeAcknowledged(
  { soldOrders, paidOrders }: Aftermath,
  states: ReadonlyMap<string, string>,
): string[] {
  const faults: string[] = [];
  for (const order of soldOrders) {
    if (!states.has(order)) {
      faults.push(`order ${order} was acknowledged, but is not in the database`);
    }
  }
  for (const order of paidOrders) {
    const state = states.get(order) ?? "missing";
    if (state !== "paid") {
      faults.push(`the payment of order ${order} was confirmed, in the database it is ${state}`);
    }
  }
  const listed = faults.slice(0, listedMax);
  return faults.length > listed.length
    ? [...listed, `and ${faults.length - listed.length} more promises were not kept`]
    : listed;
}
