import { sql } from "bun";

import type { OrderRecord } from "../sale/order.ts";
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
 * The rows of a batch as a table, from so few parameters that one prepared statement does for
 * every size: a JSON array of rows for SQLite, an array a column for PostgreSQL, which takes that
 * a third faster than JSON.
 */
const source = {
  sqlite: `(SELECT ${names.map((name, index) => `value ->> ${index} AS ${name}`).join(", ")}
    FROM json_each($1))`,
  postgres: `unnest(${columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(", ")})
    AS batch(${names.join(", ")})`,
} as const;

function statement(dialect: keyof typeof source): string {
  const changes = changing.map((name) => `${name} = excluded.${name}`);
  // "WHERE true" tells SQLite that ON CONFLICT is not the condition of a join.
  return `INSERT INTO orders (${names.join(", ")})
    SELECT ${names.join(", ")} FROM ${source[dialect]} WHERE true
    ON CONFLICT (order_id) DO UPDATE SET ${changes.join(", ")}
    WHERE orders.revision < excluded.revision`;
}

const statements = { sqlite: statement("sqlite"), postgres: statement("postgres") } as const;

function parameters(dialect: keyof typeof source, rows: readonly (string | number)[][]): unknown[] {
  return dialect === "sqlite"
    ? [JSON.stringify(rows)]
    : columns.map(([, type], index) =>
        sql.array(
          rows.map((row) => row[index]),
          arrayType[type],
        ),
      );
}

/** As PostgreSQL's catalogue calls them. */
const arrayType = { TEXT: "TEXT", BIGINT: "INT8", INTEGER: "INT4" } as const;

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
    const { dialect } = database;
    await database.run(statements[dialect], parameters(dialect, rows));
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
