import { sql } from "bun";

import type { Database } from "./database.ts";

/** A column of what is written in bulk. */
export interface BulkColumn<T> {
  readonly name: string;
  /** In PostgreSQL. */
  readonly type: "TEXT" | "BIGINT" | "INTEGER";
  readonly valueOf: (row: T) => string | number;
}

/** As PostgreSQL's catalogue calls the types. */
const arrayTypes = { TEXT: "TEXT", BIGINT: "INT8", INTEGER: "INT4" } as const;

/**
 * Rows that one statement of SQLite writes. Each size is a statement that is prepared once; more
 * than 50 rows in one are not faster.
 */
const sizes = [50, 10, 1] as const;

/** An INSERT of many rows, in few statements that are prepared once, whatever their number. */
export class BulkInsert<T> {
  readonly #columns: readonly BulkColumn<T>[];
  readonly #postgres: string;
  readonly #sqlite: ReadonlyMap<number, string>;

  /** `onConflict`: what follows the rows, from ON CONFLICT on. */
  constructor(table: string, columns: readonly BulkColumn<T>[], onConflict: string) {
    this.#columns = columns;
    const names = columns.map(({ name }) => name).join(", ");
    const insert = (rows: string): string =>
      `INSERT INTO ${table} (${names}) ${rows} ${onConflict}`;
    const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`);
    this.#postgres = insert(`SELECT * FROM unnest(${arrays.join(", ")})`);
    const row = `(${columns.map(() => "?").join(", ")})`;
    this.#sqlite = new Map(
      sizes.map((size) => [size, insert(`VALUES ${Array<string>(size).fill(row).join(", ")}`)]),
    );
  }

  /**
   * Writes rows of which no two are in conflict with each other: PostgreSQL would refuse these.
   * SQLite takes several statements for many rows, so that only a transaction makes them one.
   * Throws `DatabaseError`.
   */
  async run(database: Database, rows: readonly T[]): Promise<void> {
    if (rows.length === 0) {
      return;
    }
    if (database.dialect === "postgres") {
      const arrays = this.#columns.map(({ type, valueOf }) =>
        sql.array(rows.map(valueOf), arrayTypes[type]),
      );
      await database.run(this.#postgres, arrays);
      return;
    }
    let at = 0;
    for (const [size, text] of this.#sqlite) {
      for (; at + size <= rows.length; at += size) {
        await database.run(text, this.#values(rows, at, size));
      }
    }
  }

  #values(rows: readonly T[], from: number, count: number): (string | number)[] {
    const values: (string | number)[] = [];
    for (let at = from; at < from + count; at += 1) {
      const row = rows[at] as T;
      for (const { valueOf } of this.#columns) {
        values.push(valueOf(row));
      }
    }
    return values;
  }
}
