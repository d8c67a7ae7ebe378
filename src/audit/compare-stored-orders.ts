import type { StoredOrder } from "../orders/orders-table.ts";
import { type OrderRecord, parseOrderRecord } from "../sale/order.ts";
import type { SaleBooks } from "./books.ts";
import type { Findings } from "./findings.ts";

/** What the database and the ledger both have of an order, by the words of the sentences. */
const fields = [
  ["order id", "order"],
  ["serial", "serial"],
  ["request key", "key"],
  ["buyer", "buyer"],
  ["quantity", "quantity"],
  ["time of the hold", "heldAtMs"],
  ["deadline", "payByMs"],
  ["state", "state"],
  ["revision", "revision"],
  ["cause", "cause"],
  ["time of the change", "changedAtMs"],
] as const;

/**
 * Holds the orders of the database against those of the ledger: each there once, as the ledger has
 * it, and no other. A record of the ledger that cannot be read is the ledger's own difference.
 */
export function compareStoredOrders(
  books: SaleBooks,
  stored: readonly StoredOrder[],
  findings: Findings,
): void {
  const ledger = readRecords(books);
  const byId = new Map([...ledger.values()].map((record) => [record.order, record]));
  const ids = new Set(stored.map(({ order }) => order));
  const rowsOf = new Map<number, StoredOrder[]>();
  for (const row of stored) {
    const namesake = ledger.get(Number(row.serial));
    // A serial leads to an order only if no row has the id of that order.
    const bySerial = namesake !== undefined && ids.has(namesake.order) ? undefined : namesake;
    const record = byId.get(row.order) ?? bySerial;
    if (record === undefined) {
      nameStranger(books, row, findings);
    } else {
      rowsOf.set(record.serial, [...(rowsOf.get(record.serial) ?? []), row]);
    }
  }
  for (const record of ledger.values()) {
    compareRows(record, rowsOf.get(record.serial) ?? [], findings);
  }
  compareUnique(stored, findings);
}

/** By serial, oldest first: a scan gives them in no order. */
function readRecords(books: SaleBooks): Map<number, OrderRecord> {
  const records: OrderRecord[] = [];
  for (const text of books.orders.values()) {
    try {
      records.push(parseOrderRecord(books.sale, text));
    } catch {
      // Named where the ledger is held against itself.
      continue;
    }
  }
  records.sort((a, b) => a.serial - b.serial);
  return new Map(records.map((record) => [record.serial, record]));
}

function nameStranger(books: SaleBooks, row: StoredOrder, findings: Findings): void {
  if (books.orders.has(row.serial)) {
    const text = `database: order ${row.order} has the serial of another order of the ledger`;
    findings.add("database", row.serial, text);
    return;
  }
  const text = `database: order ${row.order} (serial ${row.serial}) is not in the ledger`;
  findings.add("database", row.serial, text);
}

function compareRows(record: OrderRecord, rows: readonly StoredOrder[], findings: Findings): void {
  const subject = String(record.serial);
  const [row] = rows;
  if (row === undefined) {
    const text = `order ${subject}: it is ${record.state}, but the database does not have it`;
    findings.add("missing", subject, text);
    return;
  }
  if (rows.length > 1) {
    const text = `order ${subject}: the database has it ${rows.length} times`;
    findings.add("duplicate", subject, text);
  }
  for (const each of rows) {
    for (const [name, field] of fields) {
      const [stored, expected] = [each[field], String(record[field])];
      if (stored !== expected) {
        const words = `${name} ${JSON.stringify(stored)}, the ledger ${JSON.stringify(expected)}`;
        findings.add("database", subject, `order ${subject}: the database has ${words}`);
      }
    }
  }
}

/** No two orders share a serial or a request key, whatever became of the database's own rules. */
function compareUnique(stored: readonly StoredOrder[], findings: Findings): void {
  for (const [name, field] of [
    ["serial", "serial"],
    ["request key", "key"],
  ] as const) {
    const owners = new Map<string, string>();
    for (const row of stored) {
      const owner = owners.get(row[field]);
      if (owner !== undefined && owner !== row.order) {
        const text = `${name} ${row[field]}: in the database both ${owner} and ${row.order} have it`;
        findings.add("duplicate", row[field], text);
      }
      owners.set(row[field], row.order);
    }
  }
}
