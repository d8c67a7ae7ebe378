import type { OrderRecord } from "../ledger/order-record.ts";
import type { Database } from "./database.ts";

/** Columns in the order of a row's values; a change of state changes those from `state` on. */
const columns = [
  ["order_id", "TEXT"],
  ["sale", "TEXT"],
  ["serial", "BIGINT"],
  ["request_key", "TEXT"],
  ["buyer", "TEXT"],
  ["quantity", "INTEGER"],
  ["held_at_ms", "BIGINT"],
  ["pay_by_ms", "BIGINT"],
  ["state", "TEXT"],
  ["revision", "INTEGER"],
  ["cause", "TEXT"],
  ["changed_at_ms", "BIGINT"],
] as const;
const names = columns.map(([name]) => name);
const changing = names.slice(names.indexOf("state"));

/**
 * The rows of a batch come as one parameter, a JSON array of arrays: one prepared statement for
 * every size. (PostgreSQL would read arrays with unnest a third faster, at the price of a second
 * statement and of the driver's own quoting.)
 */
const source = {
  sqlite: "json_each($1)",
  postgres: "json_array_elements($1::text::json)",
} as const;

function statement(dialect: keyof typeof source): string {
  const values = columns.map(([, type], index) => `CAST(value ->> ${index} AS ${type})`);
  const changes = changing.map((name) => `${name} = excluded.${name}`);
  // "WHERE true" tells SQLite that ON CONFLICT is not the condition of a join.
  return `INSERT INTO orders (${names.join(", ")})
    SELECT ${values.join(", ")} FROM ${source[dialect]} WHERE true
    ON CONFLICT (order_id) DO UPDATE SET ${changes.join(", ")}
    WHERE orders.revision < excluded.revision`;
}

const statements = { sqlite: statement("sqlite"), postgres: statement("postgres") } as const;

/** What the ledger says of an order of a sale. */
export interface SaleOrder {
  readonly sale: string;
  readonly record: OrderRecord;
}

/**
 * Stores orders in one statement, which is its own transaction. Each order keeps its newest
 * record, whatever order they come in and however often. Throws `DatabaseError`.
 */
export async function writeOrders(database: Database, orders: readonly SaleOrder[]): Promise<void> {
  const rows = newestOrders(orders).map(({ sale, record }) => [
    record.order,
    sale,
    record.serial,
    record.key,
    record.buyer,
    record.quantity,
    record.heldAtMs,
    record.payByMs,
    record.state,
    record.revision,
    record.cause,
    record.changedAtMs,
  ]);
  if (rows.length > 0) {
    await database.run(statements[database.dialect], [JSON.stringify(rows)]);
  }
}

/**
 * One record an order, the newest, since a statement may touch a row only once; in the order of
 * their ids, so that two workers that write the same orders do not wait for each other in a ring.
 */
export function newestOrders(orders: readonly SaleOrder[]): SaleOrder[] {
  const newest = new Map<string, SaleOrder>();
  for (const order of orders) {
    const known = newest.get(order.record.order);
    if (known === undefined || known.record.revision < order.record.revision) {
      newest.set(order.record.order, order);
    }
  }
  return [...newest.values()].sort((a, b) => (a.record.order < b.record.order ? -1 : 1));
}
