import { afterEach, beforeEach, expect, test } from "bun:test";

import { orderGroup } from "../../src/ledger/keys.ts";
import { parseOrderRecord } from "../../src/sale/order.ts";
import { randomOf, seedsOf } from "../faults/support/seed.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { until } from "../support/until.ts";
import { type Databases, describeEachDatabase, open, storedRows } from "./support/databases.ts";
import { expectStored, untilDry } from "./support/expectations.ts";
import { OrderScripts } from "./support/order-scripts.ts";
import { killWorkers, type WorkerOptions, WorkerProcess } from "./support/worker-process.ts";

const ledger = oneServer();
afterEach(killWorkers);

const shuffles = seedsOf("events in any order", 3);

describeEachDatabase((databases: Databases) => {
  let sale: OrderScripts;
  let url = "";
  beforeEach(async () => {
    sale = new OrderScripts(ledger.server.client);
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
    await sale.confirm(await sale.sellLapsed(10, "late"));
    await sale.sell(200, "later");
    await untilDry(sale);
    await expectStored(sale, url);
    expect(await worker.metric("sluice_order_entries_stored_total")).toBe(
      300 + 100 + 50 + 3 * 10 + 200,
    );
  });

  test("a sale that is created while the worker runs is served, each sale by itself", async () => {
    const worker = start();
    await worker.untilReady();
    const other = new OrderScripts(ledger.server.client, "another-sale");
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
      async () => (await worker.metric("sluice_order_entries_stored_total")) === 2 * 80,
    );
    await untilDry(sale);
    expect(await storedRows(url)).toEqual(before);
  });

  test("events in any order, some of them told more than once, leave each order with its newest state", async () => {
    const { client, keys: names } = sale;
    await sale.open(1_000);
    const keys = await sale.sell(120);
    await sale.confirm(keys.slice(0, 40));
    await sale.cancel(keys.slice(30, 80));
    await sale.confirm(await sale.sellLapsed(20, "late"));
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
      const worker = start({ settings: { BATCH_MAX: random.whole(1, 60) } });
      await untilDry(sale);
      await expectStored(sale, url);
      await worker.kill();
    }
  });

  test("two workers share the stream, and each order is stored once", async () => {
    await sale.open(4_000);
    const workers = ["w1", "w2"].map((name) => start({ name, settings: { BATCH_MAX: 20 } }));
    await Promise.all(workers.map((worker) => worker.untilReady()));
    const keys = await sale.sell(3_000);
    await sale.confirm(keys.slice(0, 500));
    await untilDry(sale);
    await expectStored(sale, url);
    const stored = await Promise.all(
      workers.map((worker) => worker.metric("sluice_order_entries_stored_total")),
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
    const again = new OrderScripts(ledger.server.client, "after-the-restart");
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
    await sale.sell(3);
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
    await sale.open(10, 0);
    await sale.sell(1);
    await sale.lapse();
    await sale.confirm(["k-1"]);
    await start().untilReady();
    await untilDry(sale);
    const { state, revision, cause } = parseOrderRecord("tickets", await sale.recordOf("k-1"));
    const [row] = await storedRows(url);
    expect([row?.state, row?.revision, row?.cause]).toEqual([state, revision, cause]);
    expect([state, revision, cause]).toEqual(["paid", 3, "revived"]);
  });
});
