import { afterAll, beforeAll, describe } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type DatabaseAddress, parseDatabaseUrl } from "../../../src/orders/database-address.ts";
import { Database } from "../../../src/orders/database.ts";
import {
  postgresBinaries,
  postgresMissing,
  PostgresServer,
} from "../../support/postgres-server.ts";

/** Databases for tests, a new and empty one each time. */
export interface Databases {
  /** Its address, as SLUICE_DATABASE takes it. */
  create(): Promise<string>;
  /** The server behind them; there is none with SQLite. */
  readonly server: PostgresServer | null;
}

/** Runs a suite with SQLite and with PostgreSQL; without the latter's package, says so. */
export function describeEachDatabase(suite: (databases: Databases) => void): void {
  describe("SQLite", () => suite(sqliteDatabases()));
  describePostgres(suite);
}

/** Runs a suite with PostgreSQL alone. */
export function describePostgres(
  suite: (databases: Databases & { readonly server: PostgresServer }) => void,
): void {
  const missing = postgresBinaries === null;
  describe.skipIf(missing)(missing ? `PostgreSQL (${postgresMissing})` : "PostgreSQL", () => {
    let server: PostgresServer | null = null;
    beforeAll(async () => {
      server = await PostgresServer.start();
    }, 60_000);
    afterAll(() => server?.remove());
    const running = (): PostgresServer => {
      if (server === null) {
        throw new Error("the server is there within tests only");
      }
      return server;
    };
    suite({
      create: () => running().createDatabase(),
      get server() {
        return running();
      },
    });
  });
}

function sqliteDatabases(): Databases {
  let folder = "";
  let count = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-orders-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return {
    create: () => Promise.resolve(`sqlite://${join(folder, `orders-${(count += 1)}.db`)}`),
    server: null,
  };
}

export function addressOf(url: string): DatabaseAddress {
  const address = parseDatabaseUrl(url);
  if (typeof address === "string") {
    throw new Error(address);
  }
  return address;
}

/** A connection to a database of a test, as a worker has it. */
export function open(url: string, timeoutMs = 20_000): Database {
  return new Database(addressOf(url), { timeoutMs });
}

export interface StoredRow {
  readonly sale: string;
  readonly serial: number;
  readonly token: string;
  readonly buyer: string;
  readonly quantity: number;
  readonly state: string;
  readonly revision: number;
  readonly cause: string;
  readonly hash: string;
}

/** What is stored, by sale and serial. */
export async function storedRows(url: string): Promise<StoredRow[]> {
  const database = open(url);
  try {
    const rows = await database.run("SELECT * FROM orders ORDER BY sale, serial");
    return rows.map((row) => ({
      sale: String(row["sale"]),
      serial: Number(row["serial"]),
      token: String(row["token"]),
      buyer: String(row["buyer"]),
      quantity: Number(row["quantity"]),
      state: String(row["state"]),
      revision: Number(row["revision"]),
      cause: String(row["cause"]),
      hash: String(row["request_hash"]),
    }));
  } finally {
    await database.close();
  }
}

/** How many orders are stored; 0 while there is no table. */
export async function countStored(url: string): Promise<number> {
  const database = open(url);
  try {
    const [row] = await database.run("SELECT COUNT(*) AS n FROM orders");
    return Number(row?.["n"]);
  } catch {
    return 0; // The worker has not made the table yet; whoever waits asks again.
  } finally {
    await database.close();
  }
}
