import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { auditSale, type SaleAudit } from "../../src/audit/audit-sale.ts";
import { changedKey, orderGroup } from "../../src/ledger/keys.ts";
import { readRecords } from "../../src/ledger/records.ts";
import { scripts } from "../../src/ledger/scripts.ts";
import type { DatabaseAddress } from "../../src/orders/database-address.ts";
import { Database } from "../../src/orders/database.ts";
import { migrate, migrations } from "../../src/orders/migrate.ts";
import { type SaleOrder, writeOrders } from "../../src/orders/orders-table.ts";
import { briefToken } from "../../src/sale/order.ts";
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
  const { stock, orders, batches, buyers, deadlines, events } = sale.keys;
  const keys = [stock, orders, batches, buyers, deadlines, events];
  await sale.run(scripts.confirm, keys, [0, JSON.stringify([2, tokenOf("k2")])]);
  const cancelled = ["cancelled", 0, JSON.stringify([3, tokenOf("k3")])];
  await sale.run(scripts.release, [...keys, changedKey], cancelled);
  await store(await records());
}

async function store(orders: readonly SaleOrder[]): Promise<void> {
  await database.transaction(() => writeOrders(database, orders));
}

async function forgetThem(): Promise<void> {
  await server.client.flushall();
  await database.close();
}

async function records(): Promise<SaleOrder[]> {
  const { orders, batches } = sale.keys;
  const found = readRecords(
    new Map(Object.entries(await server.client.hgetall(orders))),
    new Map(Object.entries(await server.client.hgetall(batches))),
  );
  return [...found.values()].map((record) => ({ sale: sale.sale, record }));
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

/** Adds a row like that of the order `serial`, with another serial, token and state. */
async function addRow(serial: number, other: number, token: string, state: string): Promise<void> {
  await database.run(
    `INSERT INTO orders (sale, serial, token, buyer, quantity, state, revision, cause, held_at_ms,
       pay_by_ms, changed_at_ms, request_hash)
     SELECT sale, ${other}, '${token}', buyer, quantity, '${state}', revision, cause, held_at_ms,
       pay_by_ms, changed_at_ms, request_hash FROM orders WHERE serial = ${serial}`,
  );
}

const strange = "x".repeat(22);

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
    () => addRow(1, 9, strange, "held"),
    [`database: order tickets.9.${briefToken(strange)} is not in the ledger`],
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
      "order 3: the database has revision 1, the ledger 2",
      'order 3: the database has cause "held", the ledger "cancelled"',
    ],
  ],
  [
    "another quantity",
    () => database.run("UPDATE orders SET quantity = 3 WHERE serial = 1"),
    ["order 1: the database has quantity 3, the ledger 2"],
  ],
  [
    "another buyer",
    () => database.run("UPDATE orders SET buyer = 'eve' WHERE serial = 1"),
    ['order 1: the database has buyer "eve", the ledger "ann"'],
  ],
  [
    "another hash of the request",
    () => database.run("UPDATE orders SET request_hash = 'h7' WHERE serial = 1"),
    [/^order 1: the database has hash of the request "h7", the ledger "[\w-]{11}"$/],
  ],
  [
    "another serial",
    () => database.run("UPDATE orders SET serial = 7 WHERE serial = 1"),
    ["order 1: the database has serial 7, the ledger 1"],
  ],
  [
    "another token",
    () => database.run("UPDATE orders SET token = 'x' WHERE serial = 1"),
    [/^order 1: the database has token "x\.\.\.", the ledger "[\w-]{6}\.\.\."$/],
  ],
  [
    "the tokens of two orders in each other's place",
    async () => {
      await database.run("UPDATE orders SET serial = 7 WHERE serial = 1");
      await database.run("UPDATE orders SET serial = 1 WHERE serial = 4");
      await database.run("UPDATE orders SET serial = 4 WHERE serial = 7");
    },
    [
      "order 1: the database has serial 4, the ledger 1",
      "order 4: the database has serial 1, the ledger 4",
    ],
  ],
  [
    "another deadline",
    () => database.run("UPDATE orders SET pay_by_ms = 5 WHERE serial = 4"),
    [/^order 4: the database has deadline 5, the ledger \d+$/],
  ],
  [
    "other times",
    () => database.run("UPDATE orders SET held_at_ms = 5, changed_at_ms = 6 WHERE serial = 2"),
    [
      /^order 2: the database has time of the hold 5, the ledger \d+$/,
      /^order 2: the database has time of the change 6, the ledger \d+$/,
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
    "two orders of one serial",
    async () => {
      await dropRules();
      await addRow(4, 4, strange, "held");
    },
    [
      `database: order tickets.4.${briefToken(strange)} has the serial of another order of the ledger`,
      /^serial 4: in the database both tickets\.4\.\S+ and tickets\.4\.\S+ have it$/,
    ],
  ],
  [
    "two orders of one token, none of which is released",
    () => addRow(1, 9, tokenOf("k1"), "held"),
    [/^token [\w-]{6}\.\.\.: in the database both order 1 and order 9 have it, none is released$/],
  ],
  [
    "an order that came after the ledger's last one of its token",
    () => addRow(1, 9, tokenOf("k1"), "released"),
    [`database: order tickets.9.${briefToken(tokenOf("k1"))} is not in the ledger`],
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
      expect((await audit(100)).database?.behind).toBe(5);
      await server.client.xreadgroup("GROUP", orderGroup, "w", "STREAMS", events, ">");
      expect((await audit()).database?.behind).toBe(5);
      const ids = (await server.client.xrange(events, "-", "+")).map(([id]) => id);
      const waiting = audit(60_000);
      await server.client.xack(events, orderGroup, ...ids);
      expect((await waiting).database?.behind).toBe(0);
    });

    test("asks the database for orders that are older than the stream", async () => {
      const { stock, orders, batches, buyers, deadlines, events } = sale.keys;
      const keys = [stock, orders, batches, buyers, deadlines, events];
      const held = [0, JSON.stringify([1, tokenOf("k1"), 4, tokenOf("k4")])];
      await sale.run(scripts.confirm, keys, held);
      await store(await records());
      await server.client.xtrim(events, "MAXLEN", 0);
      expect(await audit()).toMatchObject({ trimmed: 4, differenceCount: 0 });
      await database.run("DELETE FROM orders WHERE serial = 4");
      expect(await sentences()).toEqual(["order 4: it is paid, but the database does not have it"]);
    });

    test("says how many dead letters there are, which is where an order may have gone", async () => {
      await server.client.xadd(sale.keys.dead, "*", "entry", "1-0", "reason", "poisonous");
      await server.client.xgroup("CREATE", sale.keys.events, orderGroup, "$");
      expect((await audit()).database).toMatchObject({ deadLetters: 1, behind: 0 });
    });

    test("does not take the orders of another sale for strangers", async () => {
      const [first] = await records();
      if (first === undefined) {
        throw new Error("there is no order");
      }
      await store([{ ...first, sale: "other" }]);
      expect(await sentences()).toEqual([]);
    });

    test("does not take an order of the same token that was released long ago for a stranger", async () => {
      await server.client.hset(sale.keys.stock, "serial", 100);
      await sale.hold([["k9", "ann"]]);
      await store(await records());
      await addRow(101, 50, tokenOf("k9"), "released");
      expect(await sentences()).toEqual([]);
    });

    test("says what to do about a database of another form", async () => {
      await database.run("DROP TABLE sluice_migrations");
      expect(await audit().then(JSON.stringify, String)).toContain("could not be read");
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
