import type { SaleDefinition } from "../sale/sale.ts";
import type { Database } from "./database.ts";
import { refuseUnnumbered, requireKnownForm } from "./migrate.ts";

/** A sale as it was after a change of it. */
export interface SaleChange {
  readonly sale: string;
  readonly definition: SaleDefinition;
  /** What its tokens are made with; null: it is stored already. */
  readonly secret: string | null;
}

/**
 * The newest revision stays. A sale of another secret is another sale: a NULL is refused.
 */
const upsertSale = `INSERT INTO sales (sale, revision, changed_at_ms, cause, state, total,
    buyer_limit, hold_ms, opens_at_ms, secret_id)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (sale) DO UPDATE SET
    secret_id = CASE WHEN sales.secret_id = excluded.secret_id THEN excluded.secret_id END,
    revision = excluded.revision, changed_at_ms = excluded.changed_at_ms, cause = excluded.cause,
    state = excluded.state, total = excluded.total, buyer_limit = excluded.buyer_limit,
    hold_ms = excluded.hold_ms, opens_at_ms = excluded.opens_at_ms
    WHERE sales.revision < excluded.revision OR sales.secret_id <> excluded.secret_id`;
const upsertSecret = `INSERT INTO sale_secrets (sale, secret) VALUES ($1, $2)
  ON CONFLICT (sale) DO UPDATE SET
    secret = CASE WHEN sale_secrets.secret = excluded.secret THEN excluded.secret END
    WHERE sale_secrets.secret <> excluded.secret`;

/** Stores what became of a sale, within the transaction of the caller. Throws `DatabaseError`. */
export async function writeSale(
  database: Database,
  { sale, definition, secret }: SaleChange,
): Promise<void> {
  const { revision, changedAtMs, cause, state, total, limit, holdMs, opensAtMs } = definition;
  const what = [revision, changedAtMs, cause, state, total];
  const rules = [limit, holdMs, opensAtMs, definition.secretId];
  await database.run(upsertSale, [sale, ...what, ...rules]);
  if (secret !== null) {
    await database.run(upsertSecret, [sale, secret]);
  }
}

/** Whether an order worker has made the database its own, whatever its form. */
const isMigrated = {
  sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'sluice_migrations'",
  postgres: "SELECT 1 WHERE to_regclass('sluice_migrations') IS NOT NULL",
} as const;

/**
 * Whether the database has a sale of this id; one that no worker has made its own has none. Throws
 * `DatabaseError` and `UnknownFormError`.
 */
export async function isSaleStored(database: Database, sale: string): Promise<boolean> {
  await refuseUnnumbered(database);
  if ((await database.run(isMigrated[database.dialect])).length === 0) {
    return false;
  }
  await requireKnownForm(database);
  return (await database.run("SELECT 1 FROM sales WHERE sale = $1", [sale])).length > 0;
}

/** The secret of a sale; null: it is not stored. Throws `DatabaseError` and `UnknownFormError`. */
export async function readSaleSecret(database: Database, sale: string): Promise<string | null> {
  await requireKnownForm(database);
  const [row] = await database.run("SELECT secret FROM sale_secrets WHERE sale = $1", [sale]);
  return row === undefined ? null : String(row["secret"]);
}
