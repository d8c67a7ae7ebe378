import type { StoredOrder } from "../orders/stored-orders.ts";
import { briefOrderId, briefToken, type OrderRecord } from "../sale/order.ts";
import type { Findings } from "./findings.ts";
import type { LedgerOrders } from "./orders.ts";

/** What the database and the ledger both have of an order, by the words of the sentences. */
const fields = [
  ["token", "token"],
  ["serial", "serial"],
  ["hash of the request", "hash"],
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
 * it, and no other. A record of the ledger that cannot be read is the ledger's own difference. Rows
 * come in the order of their serials, a page at a time; only what does not fit at once is kept.
 */
export class StoredOrdersComparison {
  readonly #sale: string;
  readonly #orders: LedgerOrders;
  readonly #findings: Findings;
  /** How many rows each of `bySerial` has. */
  readonly #rows: Uint32Array;
  /** Rows that have not both the serial and the token of one order. */
  readonly #strays: StoredOrder[] = [];
  #next = 0;
  #before: StoredOrder | null = null;
  #count = 0;

  constructor(sale: string, orders: LedgerOrders, findings: Findings) {
    this.#sale = sale;
    this.#orders = orders;
    this.#findings = findings;
    this.#rows = new Uint32Array(orders.bySerial.length);
  }

  /** Rows so far. */
  get count(): number {
    return this.#count;
  }

  add(rows: readonly StoredOrder[]): void {
    for (const row of rows) {
      this.#count += 1;
      this.#compareWithRowBefore(row);
      const index = this.#find(row);
      if (index === -1) {
        this.#strays.push(row);
      } else {
        this.#addRow(index, row);
      }
    }
  }

  /** To be called once, after the last page. */
  finish(): void {
    this.#addStrays();
    this.#orders.bySerial.forEach(({ serial, state }, index) => {
      const rows = this.#rows[index] ?? 0;
      const subject = String(serial);
      if (rows === 0) {
        const text = `order ${subject}: it is ${state}, but the database does not have it`;
        this.#findings.add("missing", subject, text);
      } else if (rows > 1) {
        const text = `order ${subject}: the database has it ${rows} times`;
        this.#findings.add("duplicate", subject, text);
      }
    });
  }

  /** No two orders share a serial, whatever became of the database's own rules. */
  #compareWithRowBefore(row: StoredOrder): void {
    const before = this.#before;
    this.#before = row;
    if (before?.serial === row.serial && before.token !== row.token) {
      const owners = `${briefOrderId(this.#sale, before)} and ${briefOrderId(this.#sale, row)}`;
      const text = `serial ${row.serial}: in the database both ${owners} have it`;
      this.#findings.add("duplicate", String(row.serial), text);
    }
  }

  /** Which of `bySerial` has the serial and the token of a row; -1: none. */
  #find(row: StoredOrder): number {
    const { bySerial } = this.#orders;
    while ((bySerial[this.#next]?.serial ?? Number.POSITIVE_INFINITY) < row.serial) {
      this.#next += 1;
    }
    // More than one where two orders of the ledger share a serial.
    for (let at = this.#next; bySerial[at]?.serial === row.serial; at += 1) {
      if (bySerial[at]?.token === row.token) {
        return at;
      }
    }
    return -1;
  }

  #addRow(index: number, row: StoredOrder): void {
    const record = this.#orders.bySerial[index] as OrderRecord;
    this.#rows[index] = (this.#rows[index] ?? 0) + 1;
    for (const [name, field] of fields) {
      if (row[field] !== record[field]) {
        const [found, expected] = [row, record].map((each) =>
          JSON.stringify(field === "token" ? briefToken(each.token) : each[field]),
        );
        const text = `order ${record.serial}: the database has ${name} ${found}`;
        this.#findings.add("database", String(record.serial), `${text}, the ledger ${expected}`);
      }
    }
  }

  /** A row is of the order whose token it has, else of the one whose serial it has. */
  #addStrays(): void {
    const strays = this.#strays;
    if (strays.length === 0) {
      return;
    }
    const byToken = new Map<string, number>();
    const bySerial = new Map<number, number>();
    this.#orders.bySerial.forEach(({ token, serial }, index) => {
      byToken.set(token, index);
      bySerial.set(serial, index);
    });
    const strayTokens = new Set(strays.map(({ token }) => token));
    for (const row of strays) {
      const namesake = byToken.get(row.token);
      const index = bySerial.get(row.serial);
      const token = this.#orders.bySerial[index ?? -1]?.token ?? "";
      if (namesake !== undefined) {
        this.#addNamesake(namesake, row);
      } else if (index !== undefined && this.#rows[index] === 0 && !strayTokens.has(token)) {
        this.#addRow(index, row);
      } else {
        this.#nameStranger(row, index !== undefined);
      }
    }
  }

  #nameStranger(row: StoredOrder, isSerialTaken: boolean): void {
    const what = isSerialTaken
      ? "has the serial of another order of the ledger"
      : "is not in the ledger";
    const text = `database: order ${briefOrderId(this.#sale, row)} ${what}`;
    this.#findings.add("database", String(row.serial), text);
  }

  /** A token has one order at a time: an older one was released, and may be known here alone. */
  #addNamesake(index: number, row: StoredOrder): void {
    const record = this.#orders.bySerial[index] as OrderRecord;
    if (this.#rows[index] === 0) {
      this.#addRow(index, row);
    } else if (row.state !== "released" && record.state !== "released") {
      const orders = `order ${record.serial} and order ${row.serial}`;
      const text = `token ${briefToken(row.token)}: in the database both ${orders} have it, none is released`;
      this.#findings.add("duplicate", String(row.serial), text);
    } else if (row.state !== "released" || row.serial > record.serial) {
      this.#nameStranger(row, false);
    }
  }
}
