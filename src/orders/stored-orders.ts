import type { Database, Row } from "./database.ts";

/** One row of the orders table, as it is stored: nothing is trusted. */
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

/** Serials a page. Pages go by serial, and not by id, so that no row hides behind its twin. */
const pageSerials = 10_000;
/** As many orders as the ledger's side of an audit takes. */
const rowsMax = 5_000_000;

const next = "SELECT MIN(serial) AS serial FROM orders WHERE sale = $1 AND serial >= $2";
const page = `SELECT order_id, serial, request_key, buyer, quantity, held_at_ms, pay_by_ms, state,
    revision, cause, changed_at_ms
  FROM orders WHERE sale = $1 AND serial >= $2 AND serial < $3 ORDER BY serial, order_id`;

/** Reads the orders of a sale, in the order of their serials. Throws `DatabaseError`. */
export async function readStoredOrders(database: Database, sale: string): Promise<StoredOrder[]> {
  const orders: StoredOrder[] = [];
  let from = 0;
  for (;;) {
    const [first] = await database.run(next, [sale, from]);
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
