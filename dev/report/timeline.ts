import { type EntryReading, readEntry, type StreamEntry } from "../../src/ledger/outbox/entry.ts";
import type { OrderState } from "../../src/sale/order.ts";
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
  events: readonly StreamEntry[],
  before: SaleSnapshot,
): Timeline | null {
  const sales: { atMs: number; tickets: number }[] = [];
  let { left, total } = before;
  for (const entry of events) {
    if (left <= 0) {
      break;
    }
    const reading = readEntry(entry);
    const sold = ticketsIn(reading, "held", before.serial);
    if (sold > 0) {
      sales.push({ atMs: Number.parseInt(entry.id, 10), tickets: sold });
      left -= sold;
    }
    if (reading.kind === "sale") {
      left += Math.max(0, reading.definition.total - total);
      ({ total } = reading.definition);
    } else if (sales.length > 0) {
      left += ticketsIn(reading, "released", 0);
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

/** Tickets of an entry's orders of this state, with serials above `after`. */
function ticketsIn(reading: EntryReading, state: OrderState, after: number): number {
  let tickets = 0;
  for (const record of reading.kind === "orders" ? reading.records : []) {
    if (record !== null && record.state === state && record.serial > after) {
      tickets += record.quantity;
    }
  }
  return tickets;
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
