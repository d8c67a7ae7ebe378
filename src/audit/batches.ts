import type { BatchRow } from "../ledger/outbox/entry.ts";
import type { OrderBatch, OrderRecord } from "../sale/order.ts";
import type { SaleBooks } from "./books.ts";
import type { EventBooks } from "./events.ts";
import type { Findings } from "./findings.ts";
import type { LedgerOrders } from "./orders.ts";

/**
 * A batch is there for as long as records name it, counts them, and has its entry in the stream, by
 * which its orders are found when they lapse. No trimming takes that away, so its absence is a fault.
 */
export function compareBatches(
  books: SaleBooks,
  orders: LedgerOrders,
  events: EventBooks,
  findings: Findings,
): void {
  for (const [ref, row] of orders.batches) {
    if (row === null) {
      const text = `batch ${ref}: its row cannot be read: ${JSON.stringify(books.batches.get(ref))}`;
      findings.add("batch", ref, text);
      continue;
    }
    const living = orders.byBatch.get(ref) ?? [];
    if (row.living !== living.length) {
      const text = `batch ${ref}: it counts ${row.living} records, ${living.length} name it`;
      findings.add("batch", ref, text);
    } else if (living.length === 0) {
      findings.add("batch", ref, `batch ${ref}: it is there, though no record names it`);
    }
    compareEntry(row, living, events, findings);
  }
}

function compareEntry(
  row: BatchRow,
  living: readonly OrderRecord[],
  events: EventBooks,
  findings: Findings,
): void {
  const { ref, entry } = row;
  const batch = events.batches.get(entry);
  if (batch === undefined) {
    const text = `batch ${ref}: the stream has no entry ${entry} with its orders`;
    findings.add("batch", ref, text);
    return;
  }
  if (batch.ref !== ref) {
    findings.add("batch", ref, `batch ${ref}: its entry ${entry} is of batch ${batch.ref}`);
    return;
  }
  if (describe(batch) !== describe(row)) {
    const text = `batch ${ref}: it has ${describe(row)}; its entry has ${describe(batch)}`;
    findings.add("batch", ref, text);
  }
  for (const { token, serial } of living) {
    if (events.orders.get(token)?.heldIds.includes(entry) !== true) {
      const text = `order ${serial}: it names batch ${ref}, whose entry ${entry} does not name it`;
      findings.add("batch", String(serial), text);
    }
  }
}

function describe({ first, heldAtMs, payByMs }: OrderBatch): string {
  return `first serial ${first}, held at ${heldAtMs}, to be paid by ${payByMs}`;
}
