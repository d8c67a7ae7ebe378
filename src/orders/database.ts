import { SQL } from "bun";

import { reasonOf } from "../process/errors.ts";
import { type DatabaseAddress, describeDatabase } from "./database-address.ts";

/**
 * Why a statement was not executed, or may not have been.
 * `data`: the database is well and refuses what it was given; asking again is of no use.
 * `away`: everything else, from a connection that was lost to a disk that is full: try again.
 */
export class DatabaseError extends Error {
  override name = "DatabaseError";
  readonly fault: "data" | "away";

  constructor(fault: "data" | "away", message: string, cause?: unknown) {
    super(message, { cause });
    this.fault = fault;
  }
}

export type Row = Readonly<Record<string, unknown>>;

/** How long SQLite waits for another writer. It waits in our only thread, so not for long. */
const sqliteBusyMs = 100;
const closeTimeoutSeconds = 1;

/**
 * One connection to the database, SQLite or PostgreSQL, opened when it is needed and opened anew
 * after every failure, so that nothing depends on how a pool recovers. A statement is bounded in
 * time; one that was not answered may have been executed, so callers ask for what can be repeated.
 */
export class Database {
  readonly address: DatabaseAddress;
  readonly #timeoutMs: number;
  readonly #readonly: boolean;
  #sql: SQL | null = null;

  constructor(address: DatabaseAddress, options: { timeoutMs: number; readonly?: boolean }) {
    this.address = address;
    this.#timeoutMs = options.timeoutMs;
    this.#readonly = options.readonly ?? false;
  }

  get dialect(): DatabaseAddress["dialect"] {
    return this.address.dialect;
  }

  /** Runs a statement with parameters `$1`..., or several without any. Throws `DatabaseError`. */
  async run(text: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    try {
      return (await Promise.race([this.#send(text, parameters), late])) as Row[];
    } catch (error) {
      const fault = faultOf(error);
      if (fault === "away") {
        await this.close();
      }
      const reason = reasonOf(error);
      throw new DatabaseError(fault, `${describeDatabase(this.address)}: ${reason}`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes the connection, within a bound. The next statement opens another one. */
  async close(): Promise<void> {
    const sql = this.#sql;
    this.#sql = null;
    if (sql !== null) {
      // A connection whose server hangs never says goodbye; nobody waits for it.
      const closed = sql.close({ timeout: 0 }).catch(() => undefined);
      await Promise.race([closed, Bun.sleep(closeTimeoutSeconds * 1_000)]);
    }
  }

  async #send(text: string, parameters: readonly unknown[]): Promise<unknown> {
    this.#sql ??= await this.#open();
    return await this.#sql.unsafe(text, [...parameters]);
  }

  async #open(): Promise<SQL> {
    const { address } = this;
    if (address.dialect === "postgres") {
      return new SQL(address.url, {
        max: 1,
        connectionTimeout: Math.max(1, Math.ceil(this.#timeoutMs / 2_000)),
        // The server gives up, too, and lets go of its locks.
        connection: { application_name: "sluice", statement_timeout: this.#timeoutMs },
      });
    }
    const sql = new SQL({
      adapter: "sqlite",
      filename: address.path,
      ...(this.#readonly ? { readonly: true } : { create: true, readwrite: true }),
    });
    try {
      await sql.unsafe(`PRAGMA busy_timeout = ${sqliteBusyMs}`);
      if (!this.#readonly) {
        // Readers do not stop the writer; and what is acknowledged survives a loss of power.
        await sql.unsafe("PRAGMA journal_mode = WAL");
        await sql.unsafe("PRAGMA synchronous = FULL");
      }
      return sql;
    } catch (error) {
      // The first to open the file may be kept waiting by another; each attempt would leak a file.
      await sql.close({ timeout: 0 });
      throw error;
    }
  }
}

/** Classes of SQLSTATE that blame the row: data exception, integrity constraint violation. */
const dataState = /^(22|23)/;
const dataCode = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/;

function faultOf(error: unknown): "data" | "away" {
  if (error instanceof SQL.PostgresError) {
    return dataState.test(String(error.errno)) ? "data" : "away";
  }
  return error instanceof SQL.SQLiteError && dataCode.test(error.code) ? "data" : "away";
}
