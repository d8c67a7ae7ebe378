import { OperationError } from "../ledger/session.ts";
import { type DatabaseAddress, describeDatabase } from "../orders/database-address.ts";
import { Database, DatabaseError } from "../orders/database.ts";
import { UnknownFormError } from "../orders/migrate.ts";
import { readStoredOrders, type StoredOrder } from "../orders/stored-orders.ts";
import { readBooks, readMark, type SaleBooks } from "./books.ts";
import { type AuditResult, compareBooks } from "./compare-books.ts";
import { StoredOrdersComparison } from "./compare-stored-orders.ts";
import { Findings } from "./findings.ts";
import { type LedgerOrders, readOrders } from "./orders.ts";
import { awaitStored } from "./pipeline-wait.ts";

export interface AuditOptions {
  /** The ledger. */
  readonly redisUrl: string;
  readonly sale: string;
  /** The orders database; null leaves it out. */
  readonly database: DatabaseAddress | null;
  /** How long the order workers are given to store what is on its way, in milliseconds. */
  readonly waitMs: number;
  /** Is given the rows of the database, those of every attempt. */
  readonly eachPage?: (rows: readonly StoredOrder[]) => void;
}

/** What the database's side of an audit came to. */
export interface DatabaseAudit {
  /** Without its password. */
  readonly address: string;
  readonly orders: number;
  /** Orders of the ledger that the database does not have. */
  readonly missing: number;
  /** Entries of the stream that were not stored yet; null: no worker has ever read it. */
  readonly behind: number | null;
  readonly deadLetters: number;
}

/** An audit with the database, or with null where there was none to read. */
export interface SaleAudit extends AuditResult {
  readonly database: DatabaseAudit | null;
}

/** As `BooksReading`, with the books compared. */
export type AuditReading =
  | {
      readonly kind: "read";
      readonly audit: SaleAudit;
      readonly books: SaleBooks;
      readonly orders: LedgerOrders;
    }
  | { readonly kind: "noSale" }
  | { readonly kind: "moving"; readonly attempts: number };

/** A million orders in pages of ten thousand are each read in far less. */
const databaseTimeoutMs = 30_000;
/** As many orders as the ledger's side takes. */
const rowsMax = 5_000_000;
/** Attempts to read the database and the ledger between two changes. */
const attemptsMax = 3;

/**
 * Holds ledger, stream and database of a sale against each other.
 * Throws `OperationError` where one of them does not answer.
 */
export async function auditSale(options: AuditOptions): Promise<AuditReading> {
  const { redisUrl, sale, database: address } = options;
  if (address === null) {
    const reading = await readBooks(redisUrl, sale);
    if (reading.kind !== "read") {
      return reading;
    }
    const findings = new Findings();
    const orders = readOrders(reading.books, findings);
    const audit = { ...compareBooks(reading.books, findings, orders), database: null };
    return { kind: "read", audit, books: reading.books, orders };
  }
  const database = new Database(address, { timeoutMs: databaseTimeoutMs, readonly: true });
  try {
    return await auditWithDatabase(options, database);
  } catch (error) {
    if (error instanceof DatabaseError || error instanceof UnknownFormError) {
      throw new OperationError(`the orders could not be read: ${error.message}`);
    }
    throw error;
  } finally {
    await database.close();
  }
}

/**
 * First the books, then what is on its way to the database, then the database: if the sale has not
 * changed until then, all three are of the same moment. Where nothing differs, they do anyway.
 */
async function auditWithDatabase(options: AuditOptions, database: Database): Promise<AuditReading> {
  const { redisUrl, sale, waitMs } = options;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const reading = await readBooks(redisUrl, sale);
    if (reading.kind !== "read") {
      return reading;
    }
    const lag = await awaitStored(redisUrl, sale, waitMs);
    const findings = new Findings();
    const orders = readOrders(reading.books, findings);
    const ledger = compareBooks(reading.books, findings, orders);
    const comparison = new StoredOrdersComparison(sale, orders, findings);
    for await (const page of readStoredOrders(database, sale)) {
      comparison.add(page);
      options.eachPage?.(page);
      if (comparison.count > rowsMax) {
        throw new OperationError(`sale ${sale} has more than ${rowsMax} orders in the database`);
      }
    }
    comparison.finish();
    if (findings.total === 0 || (await readMark(redisUrl, sale)) === reading.mark) {
      const audit: SaleAudit = {
        ...ledger,
        duplicates: findings.count("duplicate"),
        differenceCount: findings.total,
        differences: findings.kept,
        database: {
          address: describeDatabase(database.address),
          orders: comparison.count,
          missing: findings.count("missing"),
          behind: lag?.entries ?? null,
          deadLetters: lag?.deadLetters ?? 0,
        },
      };
      return { kind: "read", audit, books: reading.books, orders };
    }
  }
  return { kind: "moving", attempts: attemptsMax };
}
