import { describeDatabase } from "./database-address.ts";
import { type Database, DatabaseError } from "./database.ts";
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

/** The database was made by a newer program, so this one does not know what is in it. */
export class NewerDatabaseError extends Error {
  override name = "NewerDatabaseError";
}

/** Number of our advisory lock in PostgreSQL: "sluice" in the alphabet's numbers, any will do. */
const lockNumber = 19_122_109_305;

/**
 * Workers that start at once wait for each other here; the lock goes with the transaction. A
 * migration takes as long as it takes, unless its worker dies: PostgreSQL checks each second.
 */
const begin = {
  sqlite: "BEGIN IMMEDIATE",
  postgres: `BEGIN;
    SET LOCAL statement_timeout = 0;
    SET LOCAL client_connection_check_interval = '1s';
    SELECT pg_advisory_xact_lock(${lockNumber})`,
} as const;

const history = `CREATE TABLE IF NOT EXISTS sluice_migrations (
  version INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL
)`;

/**
 * Brings the database to the newest version, each migration in a transaction of its own: whoever
 * is killed in the middle of one leaves nothing of it. Returns the migrations that it applied.
 * Throws `NewerDatabaseError`, and `DatabaseError` where the database is away (try again).
 */
export async function migrate(
  database: Database,
  known: readonly Migration[],
): Promise<Migration[]> {
  const applied: Migration[] = [];
  // One round a migration, and one that finds nothing to do.
  for (let round = 0; round <= known.length; round += 1) {
    const migration = await applyNext(database, known);
    if (migration === null) {
      return applied;
    }
    applied.push(migration);
  }
  throw new Error("migrations do not come to an end; are their versions 1, 2, 3, ...?");
}

async function applyNext(
  database: Database,
  known: readonly Migration[],
): Promise<Migration | null> {
  try {
    await database.run(begin[database.dialect]);
    await database.run(history);
    const rows = await database.run("SELECT MAX(version) AS version FROM sluice_migrations");
    const version = Number(rows[0]?.["version"] ?? 0);
    const newest = known.at(-1)?.version ?? 0;
    if (version > newest) {
      throw new NewerDatabaseError(
        `${describeDatabase(database.address)} has version ${version}, and this program knows ` +
          `versions up to ${newest}; run the program that made it, or a newer one`,
      );
    }
    const next = known.find((migration) => migration.version === version + 1) ?? null;
    if (next !== null) {
      await database.run(next.text);
      await database.run(
        "INSERT INTO sluice_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
        [next.version, next.name, new Date().toISOString()],
      );
    }
    await database.run("COMMIT");
    return next;
  } catch (error) {
    // Whatever the transaction came to: a connection that is closed ends it.
    await database.close();
    if (error instanceof DatabaseError && error.fault === "data") {
      throw new Error(`a migration does not fit the data: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
