import type { OrderState } from "../sale/order.ts";
import type { Database, Row } from "./database.ts";

/** An order as it is stored. */
export interface ListedOrder {
  readonly serial: number;
  readonly order: string;
  readonly state: string;
  readonly cause: string;
  readonly quantity: number;
  readonly buyer: string;
  readonly key: string;
  readonly heldAt: string;
  readonly payBy: string;
  readonly changedAt: string;
}

/** Orders read at a time; however many there are, no more are in memory. */
const pageMax = 1_000;

const query = `SELECT order_id, serial, state, cause, quantity, buyer, request_key, held_at_ms,
    pay_by_ms, changed_at_ms
  FROM orders
  WHERE sale = $1 AND serial > $2 AND ($3 = '' OR state = $3)
  ORDER BY serial LIMIT ${pageMax}`;

/** The orders of a sale by serial, in pages. Throws `DatabaseError`. */
export async function* listOrders(
  database: Database,
  sale: string,
  state: OrderState | null,
): AsyncGenerator<readonly ListedOrder[]> {
  let after = 0;
  for (;;) {
    const page = (await database.run(query, [sale, after, state ?? ""])).map(toListedOrder);
    const last = page.at(-1);
    if (last === undefined) {
      return;
    }
    yield page;
    after = last.serial;
  }
}

function toListedOrder(row: Row): ListedOrder {
  const text = (column: string): string => String(row[column]);
  const time = (column: string): string => new Date(Number(row[column])).toISOString();
  return {
    serial: Number(row["serial"]),
    order: text("order_id"),
    state: text("state"),
    cause: text("cause"),
    quantity: Number(row["quantity"]),
    buyer: text("buyer"),
    key: text("request_key"),
    heldAt: time("held_at_ms"),
    payBy: time("pay_by_ms"),
    changedAt: time("changed_at_ms"),
  };
}
