import type { StreamEvent } from "../../src/audit/books.ts";
import { splitRecord } from "../../src/sale/order.ts";
import type { SaleSnapshot } from "../../src/sale/sale.ts";

/** Sales over time by the ledger's clock, until the tickets were sold out for the first time. */
export interface Timeline {
  /** From the first sale to the last. */
  readonly durationMs: number;
  readonly sliceMs: number;
  /** Tickets sold in each slice. */
  readonly tickets: readonly number[];
  /** Whether nothing was left after the last of them. */
  readonly soldOut: boolean;
}

/** Wide enough to see a shape, narrow enough for any terminal. */
const slicesMax = 60;

/**
 * The sales since `before` in slices of time; null if there were none. A stream id begins
 * with the millisecond, by the ledger's clock, at which its script ran.
 */
export function readTimeline(
  events: readonly StreamEvent[],
  before: SaleSnapshot,
): Timeline | null {
  const sales: { atMs: number; tickets: number }[] = [];
  let { left } = before;
  for (const { id, fields } of events) {
    const hold = splitRecord(fields["held"] ?? "");
    if (left <= 0) {
      break;
    }
    if (hold !== null && Number(hold.serial) > before.serial) {
      const tickets = Number(hold.quantity);
      sales.push({ atMs: Number.parseInt(id, 10), tickets });
      left -= tickets;
    } else if (sales.length > 0) {
      left += comingBack(fields);
    }
  }
  const [first, last] = [sales[0], sales.at(-1)];
  if (first === undefined || last === undefined) {
    return null;
  }
  const durationMs = last.atMs - first.atMs;
  const sliceMs = roundSliceMs((durationMs + 1) / slicesMax);
  const slices = Math.floor(durationMs / sliceMs) + 1;
  const tickets = Array.from({ length: slices }, () => 0);
  for (const sale of sales) {
    const slice = Math.floor((sale.atMs - first.atMs) / sliceMs);
    tickets[slice] = (tickets[slice] ?? 0) + sale.tickets;
  }
  return { durationMs, sliceMs, tickets, soldOut: left <= 0 };
}

/** Tickets that an event puts back on sale: a released order's, or new ones. */
function comingBack(fields: Readonly<Record<string, string>>): number {
  const released = splitRecord(fields["released"] ?? "");
  const restocked = fields["event"] === "restocked" ? fields["quantity"] : undefined;
  return Number(restocked ?? released?.quantity ?? 0);
}

/** The next of 1, 2, 5, 10, 20, 50, ... ms. */
function roundSliceMs(leastMs: number): number {
  for (let unit = 1; ; unit *= 10) {
    const found = [unit, 2 * unit, 5 * unit].find((sliceMs) => sliceMs >= leastMs);
    if (found !== undefined) {
      return found;
    }
  }
}
