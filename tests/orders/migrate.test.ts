import { expect, test } from "bun:test";
import { join } from "node:path";

import { type Database, DatabaseError } from "../../src/orders/database.ts";
import {
  migrate,
  type Migration,
  migrations,
  requireKnownForm,
  UnknownFormError,
} from "../../src/orders/migrate.ts";
import { isSaleStored } from "../../src/orders/sales-table.ts";
import { until } from "../support/until.ts";
import { type Databases, describeEachDatabase, open } from "./support/databases.ts";

const root = join(import.meta.dir, "../..");

async function versions(database: Database): Promise<number[]> {
  const rows = await database.run("SELECT version FROM sluice_migrations ORDER BY version");
  return rows.map((row) => Number(row["version"]));
}

/** Whether a table is there: the names of both databases' catalogues. */
async function hasTable(database: Database, name: string): Promise<boolean> {
  const catalogue = {
    sqlite: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
    postgres: "SELECT tablename FROM pg_tables WHERE tablename = $1",
  } as const;
  return (await database.run(catalogue[database.dialect], [name])).length === 1;
}

/** Three small migrations; the second has two statements. */
const steps: readonly Migration[] = [
  { version: 1, name: "one", text: "CREATE TABLE one (a INTEGER)" },
  {
    version: 2,
    name: "two",
    text: "CREATE TABLE two (a INTEGER); INSERT INTO one (a) VALUES (2)",
  },
  { version: 3, name: "three", text: "ALTER TABLE two ADD COLUMN b TEXT" },
];

test("the migrations are numbered 1, 2, 3, ... without a gap", () => {
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
});

describeEachDatabase((databases: Databases) => {
  test("an empty database gets all migrations, once; a second start applies nothing", async () => {
    const database = open(await databases.create());
    expect(await migrate(database, steps)).toEqual([...steps]);
    expect(await migrate(database, steps)).toEqual([]);
    expect(await versions(database)).toEqual([1, 2, 3]);
    expect((await database.run("SELECT a FROM one")).map((row) => Number(row["a"]))).toEqual([2]);
    await database.close();
  });

  test("a database of an older program gets what is new, and keeps what it has", async () => {
    const database = open(await databases.create());
    await migrate(database, steps.slice(0, 1));
    await database.run("INSERT INTO one (a) VALUES (1)");
    expect(await migrate(database, steps)).toEqual(steps.slice(1));
    const kept = await database.run("SELECT a FROM one ORDER BY a");
    expect(kept.map((row) => Number(row["a"]))).toEqual([1, 2]);
    await database.close();
  });

  test("workers that start at once apply each migration once", async () => {
    const url = await databases.create();
    const all = await Promise.all(
      Array.from({ length: 3 }, () => finish(spawn(url, [...steps, ...migrations.map(later)]))),
    );
    const applied = all.flatMap(({ applied: one }) => one).sort((a, b) => a - b);
    expect(applied).toEqual([1, 2, 3, 4]);
    const database = open(url);
    expect(await versions(database)).toEqual([1, 2, 3, 4]);
    await database.close();
  });

  test("a migration that fails leaves nothing of itself, and those before it stay", async () => {
    const database = open(await databases.create());
    const broken = { version: 3, name: "broken", text: "CREATE TABLE three (a INTEGER); NONSENSE" };
    const failure = migrate(database, [...steps.slice(0, 2), broken]);
    await expect(failure).rejects.toBeInstanceOf(DatabaseError);
    expect(await versions(database)).toEqual([1, 2]);
    expect(await hasTable(database, "three")).toBe(false);
    expect(await migrate(database, steps)).toEqual(steps.slice(2));
    await database.close();
  });

  test("a program that is killed in the middle of a migration leaves nothing of it; the next one finishes", async () => {
    const url = await databases.create();
    const database = open(url);
    await migrate(database, steps.slice(0, 1));
    const endless = {
      sqlite:
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
      postgres: "SELECT pg_sleep(600)",
    } as const;
    const text = `CREATE TABLE two (a INTEGER); ${endless[database.dialect]}`;
    const slow = spawn(url, [...steps.slice(0, 1), { version: 2, name: "slow", text }]);
    await until("the migration is under way", () => isLocked(database), 20_000);
    slow.kill("SIGKILL");
    await slow.exited;
    // PostgreSQL looks each second whether its client lives.
    await until("the migration is gone", async () => !(await isLocked(database)), 20_000);
    expect(await versions(database)).toEqual([1]);
    expect(await hasTable(database, "two")).toBe(false);
    expect(await migrate(database, steps)).toEqual(steps.slice(1));
    await database.close();
  });

  test("a database that is newer than the program is refused, and left as it is", async () => {
    const database = open(await databases.create());
    await migrate(database, steps);
    const refusal = migrate(database, steps.slice(0, 2));
    await expect(refusal).rejects.toBeInstanceOf(UnknownFormError);
    await expect(refusal).rejects.toThrow(/has version 3, and this program knows versions up to 2/);
    expect(await versions(database)).toEqual([1, 2, 3]);
    // Who only reads it refuses it as well.
    const reading = requireKnownForm(database);
    await expect(reading).rejects.toThrow(/has version 3, and this program knows versions up to 1/);
    await expect(isSaleStored(database, "tickets")).rejects.toBeInstanceOf(UnknownFormError);
    await database.close();
  });

  test("a database of the form from before version 1 is refused with what to do, and left as it is", async () => {
    const database = open(await databases.create());
    await database.runAll(
      `CREATE TABLE orders (order_id TEXT NOT NULL PRIMARY KEY, sale TEXT NOT NULL);
       CREATE TABLE sluice_migrations (version INTEGER, name TEXT, applied_at TEXT);
       INSERT INTO sluice_migrations (version, name, applied_at) VALUES (1, 'orders', 'then')`,
    );
    const uses = [
      () => migrate(database, migrations),
      () => requireKnownForm(database),
      () => isSaleStored(database, "tickets"),
    ];
    for (const use of uses) {
      const refusal = use();
      await expect(refusal).rejects.toBeInstanceOf(UnknownFormError);
      await expect(refusal).rejects.toThrow(/is of the form from before version 1.*name an empty/);
    }
    expect(await hasTable(database, "entries")).toBe(false);
    await database.close();
  });

  test("a database in which no worker has made anything is no database of orders", async () => {
    const database = open(await databases.create());
    await expect(requireKnownForm(database)).rejects.toBeInstanceOf(DatabaseError);
    await database.close();
  });

  test("each dialect reads what is meant for it alone", async () => {
    const database = open(await databases.create());
    const text = `CREATE TABLE one (
      a INTEGER
      -- sqlite: , of_sqlite INTEGER
      -- postgres: , of_postgres INTEGER
    )`;
    await migrate(database, [{ version: 1, name: "one", text }]);
    const own = { sqlite: "of_sqlite", postgres: "of_postgres" } as const;
    await database.run(`INSERT INTO one (a, ${own[database.dialect]}) VALUES (1, 2)`);
    const [row] = await database.run("SELECT * FROM one");
    expect(Object.keys(row ?? {})).toEqual(["a", own[database.dialect]]);
    await database.close();
  });
});

function later(migration: Migration): Migration {
  return { ...migration, version: migration.version + steps.length };
}

function spawn(url: string, list: readonly Migration[]) {
  const script = join(import.meta.dir, "support", "migrating-process.ts");
  const command = ["setpriv", "--pdeathsig", "SIGKILL", process.execPath, script];
  return Bun.spawn([...command, url, JSON.stringify(list)], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** What a process applied. */
async function finish(child: ReturnType<typeof spawn>): Promise<{ applied: number[] }> {
  const [out, said, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) {
    throw new Error(`the migrating process ended with ${code}: ${said}`);
  }
  return { applied: JSON.parse(out) as number[] };
}

/** Somebody holds the lock of migrations. */
async function isLocked(database: Database): Promise<boolean> {
  if (database.dialect === "postgres") {
    const rows = await database.run(
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()",
    );
    return rows.length > 0;
  }
  return database.runAll("BEGIN IMMEDIATE; ROLLBACK").then(
    () => false,
    (error: unknown) => error instanceof DatabaseError && error.message.includes("locked"),
  );
}
