import { reasonOf } from "../process/errors.ts";
import { type DatabaseAddress, describeDatabase } from "./database-address.ts";
import type { DatabaseConnection, DatabaseOptions, Row } from "./database-connection.ts";
import { openPostgres, PostgresError } from "./postgres.ts";
import { openSqlite, SQLiteError } from "./sqlite.ts";

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

const closeTimeoutMs = 1_000;

/**
 * Where a transaction begins. SQLite's takes the lock of writers at once, so that it does not find
 * out in its middle that another one has it.
 */
const begin = { sqlite: "BEGIN IMMEDIATE", postgres: "BEGIN" } as const;

/**
 * One connection to the database, SQLite or PostgreSQL, opened when it is needed and opened anew
 * after every failure, so that nothing depends on how a pool recovers. A statement is bounded in
 * time; one that was not answered may have been executed, so callers ask for what can be repeated.
 */
export class Database {
  readonly address: DatabaseAddress;
  readonly #options: DatabaseOptions;
  #connection: DatabaseConnection | null = null;

  constructor(address: DatabaseAddress, options: DatabaseOptions) {
    this.address = address;
    this.#options = options;
  }

  get dialect(): DatabaseAddress["dialect"] {
    return this.address.dialect;
  }

  /** Runs one statement, with parameters `$1`... Throws `DatabaseError`. */
  run(text: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#bounded((connection) => connection.run(text, parameters));
  }

  /** Runs several statements without parameters, for what they do. Throws `DatabaseError`. */
  runAll(text: string): Promise<void> {
    return this.#bounded((connection) => connection.runAll(text));
  }

  /**
   * All that `work` writes, or nothing of it. Where the answer to the commit was lost it may be
   * stored all the same, as with any statement. Throws `DatabaseError`, and what `work` throws.
   */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.run(begin[this.dialect]);
    try {
      const result = await work();
      await this.run("COMMIT");
      return result;
    } catch (error) {
      await this.#rollBack(error);
      throw error;
    }
  }

  /** Closes the connection, within a bound. The next statement opens another one. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) {
      // A connection whose server hangs never says goodbye; nobody waits for it.
      const closed = connection.close().catch(() => undefined);
      await Promise.race([closed, Bun.sleep(closeTimeoutMs)]);
    }
  }

  /** A connection that is closed ends its transaction; one that is well need not be closed. */
  async #rollBack(cause: unknown): Promise<void> {
    if (cause instanceof DatabaseError && cause.fault === "data") {
      // Where this fails, it has closed the connection.
      await this.run("ROLLBACK").catch(() => undefined);
    } else {
      await this.close();
    }
  }

  async #bounded<T>(work: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      return await Promise.race([this.#send(work), late]);
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

  async #send<T>(work: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    this.#connection ??= await this.#open();
    return await work(this.#connection);
  }

  async #open(): Promise<DatabaseConnection> {
    const { address } = this;
    return address.dialect === "sqlite"
      ? openSqlite(address.path, this.#options)
      : openPostgres(address.url, this.#options);
  }
}

/** Classes of SQLSTATE that blame the row: data exception, integrity constraint violation. */
const dataState = /^(22|23)/;
const dataCode = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/;

function faultOf(error: unknown): "data" | "away" {
  if (error instanceof PostgresError) {
    return dataState.test(String(error.errno)) ? "data" : "away";
  }
  return error instanceof SQLiteError && dataCode.test(error.code ?? "") ? "data" : "away";
}
