import type { OrderState } from "../sale/order.ts";
import type { Row } from "./database-connection.ts";
import type { Database } from "./database.ts";
import { requireKnownForm } from "./migrate.ts";

/** One row of `orders`, as it is stored: nothing is trusted. */
export interface StoredOrder {
  readonly serial: number;
  readonly token: string;
  readonly buyer: string;
  readonly quantity: number;
  readonly heldAtMs: number;
  readonly payByMs: number;
  readonly hash: string;
  readonly state: string;
  readonly revision: number;
  readonly cause: string;
  readonly changedAtMs: number;
}

/** Orders that are listed at a time; however many there are, no more are in memory. */
const listedMax = 1_000;
/** Serials in a page of an audit: two round trips for so many rows. */
const pageSerials = 10_000;
/** Orders of one token: of one request, each but the last released long ago. */
const ofTokenMax = 1_000;

const columns = `serial, token, buyer, quantity, held_at_ms, pay_by_ms, request_hash, state,
  revision, cause, changed_at_ms`;
const listed = `SELECT ${columns} FROM orders
  WHERE sale = $1 AND serial > $2 AND ($3 = '' OR state = $3)
  ORDER BY serial LIMIT ${listedMax}`;
// Every row of the sale is looked at: this is for an operator's question now and then.
const ofToken = `SELECT ${columns} FROM orders
  WHERE sale = $1 AND token = $2 ORDER BY serial LIMIT ${ofTokenMax}`;
const nextSerial = "SELECT MIN(serial) AS serial FROM orders WHERE sale = $1 AND serial >= $2";
// By serial and not by a number of rows, so that none hides behind its twin where the table has
// lost its key.
const page = `SELECT ${columns} FROM orders
  WHERE sale = $1 AND serial >= $2 AND serial < $3 ORDER BY serial`;

/**
 * The orders of a sale by serial, in pages. Throws `DatabaseError`, and `UnknownFormError` as all
 * that reads orders here.
 */
export async function* listOrders(
  database: Database,
  sale: string,
  state: OrderState | null,
): AsyncGenerator<readonly StoredOrder[]> {
  await requireKnownForm(database);
  let after = 0;
  for (;;) {
    const orders = (await database.run(listed, [sale, after, state ?? ""])).map(toStoredOrder);
    const last = orders.at(-1);
    if (last === undefined) {
      return;
    }
    yield orders;
    after = last.serial;
  }
}

/** The orders of one request, oldest first. Throws `DatabaseError`. */
export async function findOrders(
  database: Database,
  sale: string,
  token: string,
): Promise<StoredOrder[]> {
  await requireKnownForm(database);
  return (await database.run(ofToken, [sale, token])).map(toStoredOrder);
}

/** All orders of a sale in pages, in the order of their serials. Throws `DatabaseError`. */
export async function* readStoredOrders(
  database: Database,
  sale: string,
): AsyncGenerator<readonly StoredOrder[]> {
  await requireKnownForm(database);
  let from = 0;
  for (;;) {
    const [first] = await database.run(nextSerial, [sale, from]);
    if (first === undefined || first["serial"] === null) {
      return;
    }
    const start = Number(first["serial"]);
    from = start + pageSerials;
    yield (await database.run(page, [sale, start, from])).map(toStoredOrder);
  }
}

/** PostgreSQL gives a BIGINT as text and SQLite as a number. */
function toStoredOrder(row: Row): StoredOrder {
  return {
    serial: Number(row["serial"]),
    token: String(row["token"]),
    buyer: String(row["buyer"]),
    quantity: Number(row["quantity"]),
    heldAtMs: Number(row["held_at_ms"]),
    payByMs: Number(row["pay_by_ms"]),
    hash: String(row["request_hash"]),
    state: String(row["state"]),
    revision: Number(row["revision"]),
    cause: String(row["cause"]),
    changedAtMs: Number(row["changed_at_ms"]),
  };
}
