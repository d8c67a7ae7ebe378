import { describeDatabase } from "./database-address.ts";
import { type Database, DatabaseError } from "./database.ts";
import orders from "./migrations/0001-orders.sql" with { type: "text" };

/** A step from one version of the database to the next. */
export interface Migration {
  /** 1, 2, 3, ... without a gap: the number in its file's name. */
  readonly version: number;
  readonly name: string;
  /**
   * Statements that SQLite and PostgreSQL both understand. What only one of them does stands behind
   * a `-- sqlite: ` or `-- postgres: `, which is a comment to the other.
   */
  readonly text: string;
}

/** All migrations, oldest first. One that was released is never changed, only followed. */
export const migrations: readonly Migration[] = [{ version: 1, name: "orders", text: orders }];

/** The database is of a form that this program does not know: an earlier one, or a later one. */
export class UnknownFormError extends Error {
  override name = "UnknownFormError";
}

/** Number of our advisory lock in PostgreSQL: "sluice" in the alphabet's numbers, any will do. */
const lockNumber = 19_122_109_305;

/**
 * Workers that start at once wait for each other here; the lock goes with the transaction, and in
 * SQLite is the transaction. A migration takes as long as it takes, unless its worker dies, for
 * which PostgreSQL looks each second.
 */
const lock = {
  sqlite: "SELECT 1",
  postgres: `SET LOCAL statement_timeout = 0;
    SET LOCAL client_connection_check_interval = '1s';
    SELECT pg_advisory_xact_lock(${lockNumber})`,
} as const;

/** The versions that a database has gone through; the highest is the number of its form. */
const history = `CREATE TABLE IF NOT EXISTS sluice_migrations (
  version INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL
)`;

/** Whether `orders` is of the time before forms had numbers: it names orders by their whole id. */
const unnumbered = {
  sqlite: "SELECT 1 FROM pragma_table_info('orders') WHERE name = 'order_id'",
  postgres: `SELECT 1 FROM pg_attribute
    WHERE attrelid = to_regclass('orders') AND attname = 'order_id' AND NOT attisdropped`,
} as const;

/**
 * Brings the database to the newest version, each migration in a transaction of its own: whoever
 * is killed in the middle of one leaves nothing of it. Returns the migrations that it applied.
 * Throws `UnknownFormError`, and `DatabaseError` where the database is away (try again).
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

/**
 * Refuses a database of another form than this program reads. Throws `UnknownFormError`, and
 * `DatabaseError` where it is away, or none of an order worker.
 */
export async function requireKnownForm(database: Database): Promise<void> {
  await refuseUnnumbered(database);
  await readVersion(database, migrations);
}

async function applyNext(
  database: Database,
  known: readonly Migration[],
): Promise<Migration | null> {
  try {
    return await database.transaction(async () => {
      await database.runAll(lock[database.dialect]);
      await refuseUnnumbered(database);
      await database.run(history);
      const version = await readVersion(database, known);
      const next = known.find((migration) => migration.version === version + 1) ?? null;
      if (next !== null) {
        await database.runAll(next.text.replaceAll(`-- ${database.dialect}: `, ""));
        await database.run(
          "INSERT INTO sluice_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
          [next.version, next.name, new Date().toISOString()],
        );
      }
      return next;
    });
  } catch (error) {
    if (error instanceof DatabaseError && error.fault === "data") {
      throw new Error(`a migration does not fit the data: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Refuses a database from before forms had numbers. Throws `UnknownFormError`, `DatabaseError`. */
export async function refuseUnnumbered(database: Database): Promise<void> {
  if ((await database.run(unnumbered[database.dialect])).length > 0) {
    throw new UnknownFormError(
      `${describeDatabase(database.address)} is of the form from before version 1, which no ` +
        "program reads any more; name an empty database, and keep or delete this one",
    );
  }
}

/** The version of the database; 0 before its first migration. */
async function readVersion(database: Database, known: readonly Migration[]): Promise<number> {
  const rows = await database.run("SELECT MAX(version) AS version FROM sluice_migrations");
  const version = Number(rows[0]?.["version"] ?? 0);
  const newest = known.at(-1)?.version ?? 0;
  if (version > newest) {
    throw new UnknownFormError(
      `${describeDatabase(database.address)} has version ${version}, and this program knows ` +
        `versions up to ${newest}; run the program that made it, or a newer one`,
    );
  }
  return version;
}
