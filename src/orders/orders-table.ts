import type { OrderRecord } from "../sale/order.ts";
import { type BulkColumn, BulkInsert } from "./bulk-insert.ts";
import { type Database, DatabaseError } from "./database.ts";

/** An order of a sale, as it is in the ledger. */
export interface SaleOrder {
  readonly sale: string;
  readonly record: OrderRecord;
}

/**
 * The columns that the ledger fills. A change of state changes those from `state` on. The table
 * itself is made by the migrations.
 */
const columns: readonly BulkColumn<SaleOrder>[] = [
  { name: "sale", type: "TEXT", valueOf: ({ sale }) => sale },
  { name: "serial", type: "BIGINT", valueOf: ({ record }) => record.serial },
  { name: "token", type: "TEXT", valueOf: ({ record }) => record.token },
  { name: "buyer", type: "TEXT", valueOf: ({ record }) => record.buyer },
  { name: "quantity", type: "INTEGER", valueOf: ({ record }) => record.quantity },
  { name: "held_at_ms", type: "BIGINT", valueOf: ({ record }) => record.heldAtMs },
  { name: "pay_by_ms", type: "BIGINT", valueOf: ({ record }) => record.payByMs },
  { name: "request_hash", type: "TEXT", valueOf: ({ record }) => record.hash },
  { name: "state", type: "TEXT", valueOf: ({ record }) => record.state },
  { name: "revision", type: "INTEGER", valueOf: ({ record }) => record.revision },
  { name: "cause", type: "TEXT", valueOf: ({ record }) => record.cause },
  { name: "changed_at_ms", type: "BIGINT", valueOf: ({ record }) => record.changedAtMs },
];
const names = columns.map(({ name }) => name);
const changing = names.slice(names.indexOf("state"));

/**
 * The newest revision stays. A serial that another token has is no older revision, but two orders
 * in one place: a token that becomes NULL is refused.
 */
const upsert = new BulkInsert(
  "orders",
  columns,
  `ON CONFLICT (sale, serial) DO UPDATE SET
    token = CASE WHEN orders.token = excluded.token THEN excluded.token END,
    ${changing.map((name) => `${name} = excluded.${name}`).join(", ")}
    WHERE orders.revision < excluded.revision OR orders.token <> excluded.token`,
);

/**
 * Stores orders, within the transaction of the caller. Each keeps its newest record, whatever order
 * they come in and however often. Throws `DatabaseError`; its fault is `data`, too, where two
 * orders have one serial, be it in the database or among these.
 */
export async function writeOrders(database: Database, orders: readonly SaleOrder[]): Promise<void> {
  try {
    await upsert.run(database, newestOrders(orders));
  } catch (error) {
    // A record has a token, or it would not have been read.
    if (error instanceof DatabaseError && tokenIsNull.test(error.message)) {
      throw new DatabaseError("data", `${twinRefusal}: ${error.message}`, error);
    }
    throw error;
  }
}

/** What both databases answer to a token that would become NULL. */
const tokenIsNull = /not.null.*\btoken\b|\btoken\b.*not.null/i;
const twinRefusal = "another order of the sale has this serial";

/**
 * One record an order, the newest, since a statement may touch a row only once; by sale and serial,
 * so that two workers that write the same orders do not wait for each other in a ring, and rows are
 * added at the end of SQLite's tree. Throws `DatabaseError` where two orders have one serial.
 */
export function newestOrders(orders: readonly SaleOrder[]): SaleOrder[] {
  const sales = new Map<string, Map<number, SaleOrder>>();
  for (const order of orders) {
    const { serial, token, revision } = order.record;
    let newest = sales.get(order.sale);
    if (newest === undefined) {
      newest = new Map();
      sales.set(order.sale, newest);
    }
    const known = newest.get(serial)?.record;
    if (known !== undefined && known.token !== token) {
      throw new DatabaseError("data", twinRefusal);
    }
    if (known === undefined || known.revision < revision) {
      newest.set(serial, order);
    }
  }
  return [...sales.keys()]
    .sort()
    .flatMap((sale) =>
      [...(sales.get(sale)?.values() ?? [])].sort((a, b) => a.record.serial - b.record.serial),
    );
}
