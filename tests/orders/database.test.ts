import { expect, test } from "bun:test";

import { type Database, DatabaseError } from "../../src/orders/database.ts";
import { migrate, migrations } from "../../src/orders/migrate.ts";
import { until } from "../support/until.ts";
import {
  type Databases,
  describeEachDatabase,
  describePostgres,
  open,
} from "./support/databases.ts";

async function faultOf(database: Database, text: string): Promise<string> {
  try {
    await database.run(text);
    return "none";
  } catch (error) {
    return error instanceof DatabaseError ? error.fault : String(error);
  }
}

const insert = `INSERT INTO orders (sale, serial, token, buyer, quantity, state, revision, cause,
  held_at_ms, pay_by_ms, changed_at_ms, request_hash)`;

function row(quantity: string, state: string, serial = 1): string {
  return `${insert}
    VALUES ('s', ${serial}, 't', '', ${quantity}, '${state}', 1, 'held', 1, 1, 1, 'h')`;
}

describeEachDatabase((databases: Databases) => {
  test("what the data is to blame for is told from everything else, which may pass", async () => {
    const database = open(await databases.create());
    await migrate(database, migrations);
    expect(await faultOf(database, row("1", "held"))).toBe("none");
    expect(await faultOf(database, row("1", "held"))).toBe("data"); // Twice.
    expect(await faultOf(database, row("NULL", "held"))).toBe("data");
    expect(await faultOf(database, row("0", "held"))).toBe("data");
    expect(await faultOf(database, row("1", "gone"))).toBe("data");
    expect(await faultOf(database, row("1", "refunded", 2))).toBe("none");
    // A table that is missing is not the fault of the orders that are to go into it.
    await database.run("DROP TABLE orders");
    expect(await faultOf(database, row("1", "held"))).toBe("away");
    expect(await faultOf(database, "no SQL at all")).toBe("away");
    await database.close();
  });

  test("after a failure, and after it was closed, the next statement works", async () => {
    const database = open(await databases.create());
    expect(await faultOf(database, "SELECT * FROM nowhere")).toBe("away");
    expect(await database.run("SELECT 1 AS one")).toHaveLength(1);
    await database.close();
    expect(await database.run("SELECT 1 AS one")).toHaveLength(1);
    await database.close();
    await database.close();
  });

  test("a transaction stores all of its work, or nothing, and the next one works", async () => {
    const database = open(await databases.create());
    await database.run("CREATE TABLE one (a INTEGER NOT NULL)");
    const add = (...values: readonly string[]) =>
      database.transaction(async () => {
        for (const value of values) {
          await database.run(`INSERT INTO one (a) VALUES (${value})`);
        }
        return values.length;
      });
    expect(await add("1", "2")).toBe(2);
    await expect(add("3", "NULL")).rejects.toMatchObject({ fault: "data" });
    await expect(add("3", "nonsense")).rejects.toMatchObject({ fault: "away" });
    const thrown = new Error("not the database's fault");
    const work = database.transaction(async () => {
      await database.run("INSERT INTO one (a) VALUES (3)");
      throw thrown;
    });
    await expect(work).rejects.toBe(thrown);
    expect(await add("4")).toBe(1);
    const rows = await database.run("SELECT a FROM one ORDER BY a");
    expect(rows.map(({ a }) => a)).toEqual([1, 2, 4]);
    await database.close();
  });

  test("an error names the database, and never its password", async () => {
    const url = await databases.create();
    const database = open(url.replace("sluice@", "sluice:hunter2@"));
    const said = await database.run("SELECT * FROM nowhere").catch(String);
    expect(said).toContain("://");
    expect(said).not.toContain("hunter2");
    await database.close();
  });

  test("what is acknowledged survives a loss of power", async () => {
    const database = open(await databases.create());
    if (database.dialect === "sqlite") {
      expect(await database.run("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }] as never);
      expect(await database.run("PRAGMA synchronous")).toEqual([{ synchronous: 2 }] as never);
    } else {
      const rows = await database.run("SHOW synchronous_commit");
      expect(rows[0]?.["synchronous_commit"]).toBe("on");
    }
    await database.close();
  });
});

describePostgres((databases) => {
  test("a statement that takes too long is given up, here and by the server", async () => {
    const url = await databases.create();
    const database = open(url, 300);
    expect(await faultOf(database, "SELECT pg_sleep(600)")).toBe("away");
    const looker = open(url);
    const asleep = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
    await until("the server has given it up, too", async () => {
      const left = await looker.run(`${asleep} AND state = 'active' AND pid <> pg_backend_pid()`);
      return left.length === 0;
    });
    expect(await database.run("SELECT 1 AS one")).toHaveLength(1);
    await database.close();
    await looker.close();
  });

  test("a server that was killed and started again is found again", async () => {
    const database = open(await databases.create());
    await database.run("CREATE TABLE kept (a INTEGER)");
    await databases.server.kill();
    expect(await faultOf(database, "SELECT 1")).toBe("away");
    await databases.server.restart();
    expect(await database.run("SELECT * FROM kept")).toHaveLength(0);
    await database.close();
  });
});
