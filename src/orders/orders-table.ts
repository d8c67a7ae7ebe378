import { sql } from "bun";

import type { OrderRecord, OrderState } from "../sale/order.ts";
import type { Database, Row } from "./database.ts";

/** An order of a sale, as it is in the ledger. */
export interface SaleOrder {
  readonly sale: string;
  readonly record: OrderRecord;
}

interface Column {
  readonly name: string;
  /** In PostgreSQL. */
  readonly type: "TEXT" | "BIGINT" | "INTEGER";
  readonly valueOf: (order: SaleOrder) => string | number;
}

/**
 * The columns of the table, in the order in which they are written and read. A change of state
 * changes those from `state` on. The table itself is made by the migrations.
 */
const columns: readonly Column[] = [
  { name: "order_id", type: "TEXT", valueOf: ({ record }) => record.order },
  { name: "sale", type: "TEXT", valueOf: ({ sale }) => sale },
  { name: "serial", type: "BIGINT", valueOf: ({ record }) => record.serial },
  { name: "request_key", type: "TEXT", valueOf: ({ record }) => record.key },
  { name: "buyer", type: "TEXT", valueOf: ({ record }) => record.buyer },
  { name: "quantity", type: "INTEGER", valueOf: ({ record }) => record.quantity },
  { name: "held_at_ms", type: "BIGINT", valueOf: ({ record }) => record.heldAtMs },
  { name: "pay_by_ms", type: "BIGINT", valueOf: ({ record }) => record.payByMs },
  { name: "state", type: "TEXT", valueOf: ({ record }) => record.state },
  { name: "revision", type: "INTEGER", valueOf: ({ record }) => record.revision },
  { name: "cause", type: "TEXT", valueOf: ({ record }) => record.cause },
  { name: "changed_at_ms", type: "BIGINT", valueOf: ({ record }) => record.changedAtMs },
];
/** As PostgreSQL's catalogue calls the types. */
const arrayTypes = { TEXT: "TEXT", BIGINT: "INT8", INTEGER: "INT4" } as const;
const names = columns.map(({ name }) => name);
const allColumns = names.join(", ");
const changing = names.slice(names.indexOf("state"));

/**
 * The rows of a batch as a table, from so few parameters that one prepared statement does for
 * every size: a JSON array of rows for SQLite, an array a column for PostgreSQL, which takes that
 * a third faster than JSON.
 */
const sources = {
  sqlite: `(SELECT ${names.map((name, index) => `value ->> ${index} AS ${name}`).join(", ")}
    FROM json_each($1))`,
  postgres: `unnest(${columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(", ")})
    AS batch(${allColumns})`,
} as const;

function upsert(dialect: keyof typeof sources): string {
  const changes = changing.map((name) => `${name} = excluded.${name}`);
  // "WHERE true" tells SQLite that ON CONFLICT is not the condition of a join.
  return `INSERT INTO orders (${allColumns})
    SELECT ${allColumns} FROM ${sources[dialect]} WHERE true
    ON CONFLICT (order_id) DO UPDATE SET ${changes.join(", ")}
    WHERE orders.revision < excluded.revision`;
}

const upserts = { sqlite: upsert("sqlite"), postgres: upsert("postgres") } as const;

function toParameters(dialect: keyof typeof sources, orders: readonly SaleOrder[]): unknown[] {
  return dialect === "sqlite"
    ? [JSON.stringify(orders.map((order) => columns.map(({ valueOf }) => valueOf(order))))]
    : columns.map(({ type, valueOf }) => sql.array(orders.map(valueOf), arrayTypes[type]));
}

/**
 * Stores orders in one statement, which is its own transaction. Each order keeps its newest
 * record, whatever order they come in and however often. Throws `DatabaseError`.
 */
export async function writeOrders(database: Database, orders: readonly SaleOrder[]): Promise<void> {
  const newest = newestOrders(orders);
  if (newest.length > 0) {
    const { dialect } = database;
    await database.run(upserts[dialect], toParameters(dialect, newest));
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

/** One row of the table, as it is stored: nothing is trusted. */
export interface StoredOrder {
  readonly order: string;
  readonly serial: string;
  readonly key: string;
  readonly buyer: string;
  readonly quantity: string;
  readonly heldAtMs: string;
  readonly payByMs: string;
  readonly state: string;
  readonly revision: string;
  readonly cause: string;
  readonly changedAtMs: string;
}

/** Orders that are listed at a time; however many there are, no more are in memory. */
const listedMax = 1_000;
/** Serials a page of an audit. Pages go by serial, and not by id, so that no row hides behind its twin. */
const pageSerials = 10_000;
/** As many orders as the ledger's side of an audit takes. */
const rowsMax = 5_000_000;

const listed = `SELECT ${allColumns} FROM orders
  WHERE sale = $1 AND serial > $2 AND ($3 = '' OR state = $3)
  ORDER BY serial LIMIT ${listedMax}`;
const nextSerial = "SELECT MIN(serial) AS serial FROM orders WHERE sale = $1 AND serial >= $2";
const page = `SELECT ${allColumns} FROM orders
  WHERE sale = $1 AND serial >= $2 AND serial < $3 ORDER BY serial, order_id`;

/** The orders of a sale by serial, in pages. Throws `DatabaseError`. */
export async function* listOrders(
  database: Database,
  sale: string,
  state: OrderState | null,
): AsyncGenerator<readonly StoredOrder[]> {
  let after = 0;
  for (;;) {
    const orders = (await database.run(listed, [sale, after, state ?? ""])).map(toStoredOrder);
    const last = orders.at(-1);
    if (last === undefined) {
      return;
    }
    yield orders;
    after = Number(last.serial);
  }
}

/** Reads all orders of a sale, in the order of their serials. Throws `DatabaseError`. */
export async function readStoredOrders(database: Database, sale: string): Promise<StoredOrder[]> {
  const orders: StoredOrder[] = [];
  let from = 0;
  for (;;) {
    const [first] = await database.run(nextSerial, [sale, from]);
    if (first === undefined || first["serial"] === null) {
      return orders;
    }
    const start = Number(first["serial"]);
    from = start + pageSerials;
    for (const row of await database.run(page, [sale, start, from])) {
      orders.push(toStoredOrder(row));
    }
    if (orders.length > rowsMax) {
      throw new RangeError(`sale ${sale} has more than ${rowsMax} orders in the database`);
    }
  }
}

/** PostgreSQL gives a BIGINT as text and SQLite as a number: as text they compare alike. */
function toStoredOrder(row: Row): StoredOrder {
  const text = (column: string): string => String(row[column]);
  return {
    order: text("order_id"),
    serial: text("serial"),
    key: text("request_key"),
    buyer: text("buyer"),
    quantity: text("quantity"),
    heldAtMs: text("held_at_ms"),
    payByMs: text("pay_by_ms"),
    state: text("state"),
    revision: text("revision"),
    cause: text("cause"),
    changedAtMs: text("changed_at_ms"),
  };
}
