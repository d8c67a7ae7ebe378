import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { auditSale, type SaleAudit } from "../../src/audit/audit-sale.ts";
import { changedKey, deadLettersKey, orderGroup } from "../../src/ledger/keys.ts";
import { scripts } from "../../src/ledger/scripts.ts";
import type { DatabaseAddress } from "../../src/orders/database-address.ts";
import { Database } from "../../src/orders/database.ts";
import { migrate, migrations } from "../../src/orders/migrate.ts";
import { writeOrders } from "../../src/orders/orders-table.ts";
import { parseOrderRecord } from "../../src/sale/order.ts";
import { SaleScripts, tokenOf } from "../ledger/support/sale-scripts.ts";
import { RedisServer } from "../support/redis-server.ts";
import { addressOf, describeEachDatabase } from "./support/databases.ts";

let server: RedisServer;
let address: DatabaseAddress;
let sale: SaleScripts;
let database: Database;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.remove());

/** Four orders: one held, one paid, one cancelled, one held; all of them in the database. */
async function sellFour(url: string): Promise<void> {
  address = addressOf(url);
  database = new Database(address, { timeoutMs: 10_000 });
  await migrate(database, migrations);
  sale = new SaleScripts(server.client);
  await sale.create({ total: 10 });
  await sale.setState("open");
  await sale.hold([["k1", "ann", 2], ["k2", "bob"], ["k3"], ["k4", "ann"]]);
  const { stock, orders, buyers, deadlines, events } = sale.keys;
  const paid = [0, JSON.stringify([2, tokenOf("k2")])];
  await sale.run(scripts.confirm, [stock, orders, buyers, events], paid);
  const cancelled = ["cancelled", 0, JSON.stringify([3, tokenOf("k3")])];
  await sale.run(
    scripts.release,
    [stock, orders, buyers, deadlines, events, changedKey],
    cancelled,
  );
  await writeOrders(database, await records());
}

async function forgetThem(): Promise<void> {
  await server.client.flushall();
  await database.close();
}

async function records() {
  const stored = Object.values(await server.client.hgetall(sale.keys.orders));
  return stored.map((text) => ({ sale: sale.sale, record: parseOrderRecord(sale.sale, text) }));
}

async function audit(waitMs = 0): Promise<SaleAudit> {
  const options = { redisUrl: server.url, sale: sale.sale, database: address, waitMs };
  const reading = await auditSale(options);
  if (reading.kind !== "read") {
    throw new Error(`not read: ${reading.kind}`);
  }
  return reading.audit;
}

async function sentences(): Promise<string[]> {
  return (await audit()).differences.map(({ text }) => text);
}

/** The same rows in a table that lets everything pass. */
async function dropRules(): Promise<void> {
  await database.run("ALTER TABLE orders RENAME TO kept");
  await database.run("CREATE TABLE orders AS SELECT * FROM kept");
}

/** Each fault, planted by hand in the database, and all that has to be said of it. */
const plants: readonly (readonly [
  what: string,
  plant: () => Promise<unknown>,
  said: readonly (string | RegExp)[],
])[] = [
  [
    "an order that never arrived",
    () => database.run("DELETE FROM orders WHERE serial = 2"),
    ["order 2: it is paid, but the database does not have it"],
  ],
  [
    "an order that nobody sold",
    () =>
      database.run(
        `INSERT INTO orders SELECT 'tickets.9.00000000000000ff', sale, 9, 'k9', buyer, quantity,
           state, revision, cause, held_at_ms, pay_by_ms, changed_at_ms
         FROM orders WHERE serial = 1`,
      ),
    ["database: order tickets.9.00000000000000ff (serial 9) is not in the ledger"],
  ],
  [
    "a state that the ledger does not say",
    () => database.run("UPDATE orders SET state = 'held' WHERE serial = 2"),
    ['order 2: the database has state "held", the ledger "paid"'],
  ],
  [
    "an older revision",
    () => database.run("UPDATE orders SET revision = 1, cause = 'held' WHERE serial = 3"),
    [
      'order 3: the database has revision "1", the ledger "2"',
      'order 3: the database has cause "held", the ledger "cancelled"',
    ],
  ],
  [
    "another quantity",
    () => database.run("UPDATE orders SET quantity = 3 WHERE serial = 1"),
    ['order 1: the database has quantity "3", the ledger "2"'],
  ],
  [
    "another buyer",
    () => database.run("UPDATE orders SET buyer = 'eve' WHERE serial = 1"),
    ['order 1: the database has buyer "eve", the ledger "ann"'],
  ],
  [
    "another request key",
    () => database.run("UPDATE orders SET request_key = 'k7' WHERE serial = 1"),
    ['order 1: the database has request key "k7", the ledger "k1"'],
  ],
  [
    "another serial",
    () => database.run("UPDATE orders SET serial = 7 WHERE serial = 1"),
    ['order 1: the database has serial "7", the ledger "1"'],
  ],
  [
    "another id",
    () => database.run("UPDATE orders SET order_id = 'tickets.1.x' WHERE serial = 1"),
    [/^order 1: the database has order id "tickets\.1\.x", the ledger "tickets\.1\.[0-9a-f]{16}"$/],
  ],
  [
    "another deadline",
    () => database.run("UPDATE orders SET pay_by_ms = 5 WHERE serial = 4"),
    [/^order 4: the database has deadline "5", the ledger "\d+"$/],
  ],
  [
    "other times",
    () => database.run("UPDATE orders SET held_at_ms = 5, changed_at_ms = 6 WHERE serial = 2"),
    [
      /^order 2: the database has time of the hold "5", the ledger "\d+"$/,
      /^order 2: the database has time of the change "6", the ledger "\d+"$/,
    ],
  ],
  [
    "an order that is there twice",
    async () => {
      await dropRules();
      await database.run("INSERT INTO orders SELECT * FROM kept WHERE serial = 2");
    },
    ["order 2: the database has it 2 times"],
  ],
  [
    "two orders of one serial and one request key",
    async () => {
      await dropRules();
      await database.run(
        `INSERT INTO orders SELECT 'tickets.4.00000000000000ff', sale, serial, request_key, buyer,
           quantity, state, revision, cause, held_at_ms, pay_by_ms, changed_at_ms
         FROM kept WHERE serial = 4`,
      );
    },
    [
      "database: order tickets.4.00000000000000ff has the serial of another order of the ledger",
      /^serial 4: in the database both tickets\.4\.\S+ and tickets\.4\.\S+ have it$/,
      /^request key k4: in the database both tickets\.4\.\S+ and tickets\.4\.\S+ have it$/,
    ],
  ],
];

describeEachDatabase((databases) => {
  beforeEach(async () => sellFour(await databases.create()));
  afterEach(forgetThem);

  describe("the audit with a database", () => {
    test("finds nothing where ledger, stream and database agree", async () => {
      const { database: seen, ...ledger } = await audit();
      expect(ledger).toMatchObject({ orders: 4, differenceCount: 0, duplicates: 0 });
      expect(seen).toMatchObject({ orders: 4, missing: 0, deadLetters: 0 });
    });

    test("says how much is still on its way, and waits no longer than it is told", async () => {
      const { events } = sale.keys;
      expect((await audit()).database?.behind).toBeNull();
      await server.client.xgroup("CREATE", events, orderGroup, "0");
      expect((await audit(100)).database?.behind).toBe(8);
      await server.client.xreadgroup("GROUP", orderGroup, "w", "STREAMS", events, ">");
      expect((await audit()).database?.behind).toBe(8);
      const ids = (await server.client.xrange(events, "-", "+")).map(([id]) => id);
      const waiting = audit(60_000);
      await server.client.xack(events, orderGroup, ...ids);
      expect((await waiting).database?.behind).toBe(0);
    });

    test("asks the database for orders that are older than the stream", async () => {
      await server.client.xtrim(sale.keys.events, "MAXLEN", 0);
      expect(await audit()).toMatchObject({ trimmed: 4, differenceCount: 0 });
      await database.run("DELETE FROM orders WHERE serial = 4");
      expect(await sentences()).toEqual(["order 4: it is held, but the database does not have it"]);
    });

    test("says how many dead letters there are, which is where an order may have gone", async () => {
      await server.client.xadd(deadLettersKey(sale.sale), "*", "id", "1-0", "reason", "poisonous");
      await server.client.xgroup("CREATE", sale.keys.events, orderGroup, "$");
      expect((await audit()).database).toMatchObject({ deadLetters: 1, behind: 0 });
    });

    test("does not take the orders of another sale for strangers", async () => {
      const [first] = await records();
      if (first === undefined) {
        throw new Error("there is no order");
      }
      const other = {
        sale: "other",
        record: { ...first.record, order: `other.1.${tokenOf("k1")}` },
      };
      await writeOrders(database, [other]);
      expect(await sentences()).toEqual([]);
    });

    test("says why where the database cannot be read, without its password", async () => {
      const away = { dialect: "postgres", url: "postgres://me:secret@127.0.0.1:1/orders" } as const;
      const options = { redisUrl: server.url, sale: sale.sale, database: away, waitMs: 0 };
      const said = await auditSale(options).then(JSON.stringify, String);
      expect(said).toContain("the orders could not be read: postgres://***@127.0.0.1:1/orders");
      expect(said).not.toContain("secret");
    });
  });

  describe("the audit names, of the database,", () => {
    test.each(plants)("%s", async (_, plant, said) => {
      expect(await sentences()).toEqual([]);
      await plant();
      const found = await sentences();
      expect(found).toHaveLength(said.length);
      for (const expected of said) {
        const matches = found.filter((sentence) =>
          typeof expected === "string" ? sentence === expected : expected.test(sentence),
        );
        expect({ expected, matches, found }).toMatchObject({ matches: [expect.any(String)] });
      }
    });
  });
});
