import type { StreamEvent } from "../../ledger/audit-books.ts";

/** Sales over time by the ledger's clock. */
export interface Timeline {
  /** From the first sale to the last. */
  readonly durationMs: number;
  readonly sliceMs: number;
  /** Tickets sold in each slice. */
  readonly tickets: readonly number[];
}

/** Wide enough to see a shape, narrow enough for any terminal. */
const slicesMax = 60;

/**
 * The sales since `serialBefore` in slices of time; null if there were none. A stream id begins
 * with the millisecond, by the ledger's clock, at which its script ran.
 */
export function readTimeline(
  events: readonly StreamEvent[],
  serialBefore: number,
): Timeline | null {
  const sales: { atMs: number; tickets: number }[] = [];
  for (const { id, fields } of events) {
    const [, serial, tickets] = fields["held"]?.split("\t") ?? [];
    if (Number(serial) > serialBefore) {
      sales.push({ atMs: Number.parseInt(id, 10), tickets: Number(tickets) });
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
  return { durationMs, sliceMs, tickets };
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
