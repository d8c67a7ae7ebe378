import orders from "./migrations/0001-orders.sql" with { type: "text" };

/** A step from one version of the database to the next. */
export interface Migration {
  /** 1, 2, 3, ... without a gap: the number in its file's name. */
  readonly version: number;
  readonly name: string;
  /** Statements that SQLite and PostgreSQL both understand. */
  readonly text: string;
}

/** All migrations, oldest first. One that was released is never changed, only followed. */
export const migrations: readonly Migration[] = [{ version: 1, name: "orders", text: orders }];
