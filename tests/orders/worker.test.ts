import { afterEach, beforeEach, expect, test } from "bun:test";

import { orderGroup } from "../../src/ledger/keys.ts";
import { secretId } from "../../src/sale/tokens.ts";
import { randomOf, seedsOf } from "../faults/support/seed.ts";
import { until } from "../support/until.ts";
import { type Databases, describeEachDatabase, open, storedRows } from "./support/databases.ts";
import { expectStored, untilDry } from "./support/expectations.ts";
import { HandWrittenSale } from "./support/hand-written-sale.ts";
import { oneRedis } from "./support/one-redis.ts";
import { killWorkers, type WorkerOptions, WorkerProcess } from "./support/worker-process.ts";

const ledger = oneRedis();
afterEach(killWorkers);

const shuffles = seedsOf("events in any order", 3);

describeEachDatabase((databases: Databases) => {
  let sale: HandWrittenSale;
  let url = "";
  beforeEach(async () => {
    sale = new HandWrittenSale(ledger.server.client);
    url = await databases.create();
  });
  const start = (options: Partial<WorkerOptions> = {}): WorkerProcess =>
    WorkerProcess.start({ redis: ledger.server.url, database: url, ...options });

  test("what was sold before and after the worker started is stored once, with its newest state", async () => {
    await sale.open(1_000);
    const keys = await sale.sell(300);
    const worker = start({ settings: { BATCH_MAX: 50 } });
    await worker.untilReady();
    await sale.confirm(keys.slice(0, 100));
    await sale.cancel(keys.slice(100, 150));
    const late = await sale.sell(10, "late");
    await sale.lapse(late);
    await sale.confirm(late);
    await sale.sell(200, "later");
    await untilDry(sale);
    await expectStored(sale, url);
    expect(await worker.metric("sluice_order_records_stored_total")).toBe(
      300 + 100 + 50 + 3 * 10 + 200,
    );
  });

  test("a sale that is created while the worker runs is served, each sale by itself", async () => {
    const worker = start();
    await worker.untilReady();
    const other = new HandWrittenSale(ledger.server.client, "another-sale");
    for (const one of [sale, other]) {
      await one.open(100);
      await one.sell(40);
    }
    for (const one of [sale, other]) {
      await untilDry(one);
      await expectStored(one, url);
    }
  });

  test("read again from the start of the stream, everything stays as it is", async () => {
    await sale.open(100);
    const keys = await sale.sell(60);
    await sale.confirm(keys.slice(0, 20));
    const worker = start();
    await worker.untilReady();
    await untilDry(sale);
    const before = await storedRows(url);
    await sale.client.call("XGROUP", "SETID", sale.keys.events, orderGroup, "0");
    await until(
      "all of it was stored again",
      async () => (await worker.metric("sluice_order_records_stored_total")) === 2 * 80,
    );
    await untilDry(sale);
    expect(await storedRows(url)).toEqual(before);
  });

  test("events in any order, some of them told more than once, leave each order with its newest state", async () => {
    const { client, keys: names } = sale;
    await sale.open(1_000);
    const keys = await sale.sell(120, "k", 7);
    await sale.confirm(keys.slice(0, 40));
    await sale.cancel(keys.slice(30, 80));
    const late = await sale.sell(20, "late");
    await sale.lapse(late);
    await sale.confirm(late);
    const told = await client.xrange(names.events, "-", "+");
    for (const seed of shuffles) {
      const random = randomOf(seed);
      const again = told.filter(() => random.chance(0.3));
      const shuffled = [...told, ...again]
        .map((entry) => ({ entry, place: random.fraction() }))
        .sort((a, b) => a.place - b.place);
      await client.del(names.events);
      for (const { entry } of shuffled) {
        await client.xadd(names.events, "*", ...entry[1]);
      }
      url = await databases.create();
      const workerNames = random.chance(0.5) ? ["w1"] : ["w1", "w2"];
      const settings = { BATCH_MAX: random.whole(1, 60) };
      const workers = workerNames.map((name) => start({ name, settings }));
      await untilDry(sale);
      await expectStored(sale, url);
      await Promise.all(workers.map((worker) => worker.kill()));
    }
  });

  test("two workers share the stream, and each order is stored once", async () => {
    await sale.open(4_000);
    const workers = ["w1", "w2"].map((name) => start({ name, settings: { BATCH_MAX: 20 } }));
    await Promise.all(workers.map((worker) => worker.untilReady()));
    const keys = await sale.sell(3_000, "k", 20);
    await sale.confirm(keys.slice(0, 500));
    await untilDry(sale);
    await expectStored(sale, url);
    const stored = await Promise.all(
      workers.map((worker) => worker.metric("sluice_order_records_stored_total")),
    );
    // Both have worked; something may have been stored twice, and then stayed as it was.
    expect(Math.min(...stored)).toBeGreaterThan(0);
    expect(stored.reduce((sum, entries) => sum + entries, 0)).toBeGreaterThanOrEqual(3_500);
  });

  test("asked to stop, the worker ends with exit code 0, and the next one goes on where it was", async () => {
    await sale.open(5_000);
    const worker = start({ settings: { BATCH_MAX: 50 } });
    await worker.untilReady();
    const selling = sale.sell(2_000, "k", 50);
    await until("it has begun", async () => (await storedRows(url)).length > 0);
    expect(await worker.stop()).toBe(0);
    await selling;
    await start({ name: "another" }).untilReady();
    await untilDry(sale);
    await expectStored(sale, url);
  });

  test("Redis is restarted without its data, and the same sale is made anew: its orders are stored", async () => {
    await sale.open(100);
    await sale.sell(10);
    await start().untilReady();
    await untilDry(sale);
    await ledger.server.kill();
    await ledger.server.restart();
    const again = new HandWrittenSale(ledger.server.client, "after-the-restart");
    await again.open(100);
    await again.sell(20);
    await untilDry(again);
    await expectStored(again, url);
  });

  test("a worker that was cut off from Redis in the middle of a read loses nothing", async () => {
    await sale.open(3_000);
    await start({ settings: { BATCH_MAX: 20 } }).untilReady();
    const selling = sale.sell(2_000, "k", 20);
    for (let cut = 0; cut < 10; cut += 1) {
      await Bun.sleep(20);
      await sale.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    }
    await selling;
    await untilDry(sale);
    await expectStored(sale, url);
  });

  test("an entry that was deleted after it had been delivered holds nothing up", async () => {
    await sale.open(100);
    await sale.sell(3, "k", 1);
    await sale.client.xgroup("CREATE", sale.keys.events, orderGroup, "0");
    await sale.client.xreadgroup("GROUP", orderGroup, "worker1", "STREAMS", sale.keys.events, ">");
    const [last] = await sale.client.xrevrange(sale.keys.events, "+", "-", "COUNT", 1);
    await sale.client.xdel(sale.keys.events, last?.[0] ?? "");
    await start().untilReady();
    await untilDry(sale);
    expect((await storedRows(url)).map(({ serial }) => serial)).toEqual([1, 2]);
  });

  test("a worker says what is wrong with a database that a newer program made, and ends", async () => {
    await start().untilReady();
    await killWorkers();
    const database = open(url);
    await database.run(
      "INSERT INTO sluice_migrations (version, name, applied_at) VALUES (99, 'later', 'then')",
    );
    await database.close();
    const worker = start();
    expect(await worker.exited()).toBe(2);
    expect(await worker.output()).toContain("has version 99, and this program knows");
  });

  test("states that follow each other within one batch leave the newest", async () => {
    await sale.open(10);
    await sale.sell(1);
    await sale.lapse(["k-1"]);
    await sale.confirm(["k-1"]);
    await start().untilReady();
    await untilDry(sale);
    const { state, revision, cause } = sale.recordOf("k-1");
    const [row] = await storedRows(url);
    expect([row?.state, row?.revision, row?.cause]).toEqual([state, revision, cause]);
    expect([state, revision, cause]).toEqual(["paid", 3, "revived"]);
  });

  test("what becomes of a sale is stored with its secret, and each entry is noted down", async () => {
    await sale.open(1_000);
    const other = new HandWrittenSale(sale.client, "another-sale");
    await other.open(7);
    await sale.sell(250);
    await start().untilReady();
    await untilDry(sale);
    await sale.define("restocked", "open", 1_500);
    await sale.define("closed", "closed", 1_500);
    await untilDry(sale);
    await untilDry(other);
    const database = open(url);
    const text = "SELECT sale, revision, cause, state, total, secret_id FROM sales ORDER BY sale";
    expect((await database.run(text)).map((row) => Object.values(row).map(String))).toEqual([
      ["another-sale", "2", "open", "open", "7", secretId(other.secret)],
      ["tickets", "4", "closed", "closed", "1500", secretId(sale.secret)],
    ]);
    const secrets = await database.run("SELECT sale, secret FROM sale_secrets ORDER BY sale");
    expect(secrets.map((row) => [row["sale"], row["secret"]])).toEqual([
      ["another-sale", other.secret],
      ["tickets", sale.secret],
    ]);
    const entries = await database.run(
      "SELECT id, records FROM entries WHERE sale = 'tickets' AND term = 0",
    );
    const noted = new Map(entries.map(({ id, records }) => [String(id), Number(records)]));
    const told = await sale.client.xrange(sale.keys.events, "-", "+");
    expect(noted.size).toBe(told.length);
    expect(told.map(([id]) => noted.get(id))).toEqual([0, 0, 100, 100, 50, 0, 0]);
    await database.close();
  });

  test("a sale whose secret the ledger does not have is given up, and its orders are stored", async () => {
    await sale.open(1_000);
    await sale.client.del(sale.keys.secret);
    await sale.sell(5);
    start();
    await untilDry(sale);
    await expectStored(sale, url);
    const letters = await sale.client.xrange(sale.keys.dead, "-", "+");
    expect(letters.map(([, fields]) => fields[fields.indexOf("reason") + 1])).toEqual(
      Array<string>(2).fill("the ledger has no secret for the sale"),
    );
  });
});
