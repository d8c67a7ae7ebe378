import { SQL } from "bun";

import type { DatabaseConnection, DatabaseOptions, Row } from "./database-connection.ts";

/** What the server refuses a statement with; `errno` is its SQLSTATE. */
export const { PostgresError } = SQL;

/** A connection to PostgreSQL, which is made with its first statement. */
export function openPostgres(url: string, { timeoutMs }: DatabaseOptions): DatabaseConnection {
  const sql = new SQL(url, {
    max: 1,
    connectionTimeout: Math.max(1, Math.ceil(timeoutMs / 2_000)),
    // The server gives up, too, and lets go of its locks.
    connection: { application_name: "sluice", statement_timeout: timeoutMs },
  });
  return {
    // Prepared once, and kept by its text.
    run: async (text, parameters) => (await sql.unsafe(text, [...parameters])) as Row[],
    runAll: async (text) => {
      await sql.unsafe(text);
    },
    close: () => sql.close({ timeout: 0 }),
  };
}
