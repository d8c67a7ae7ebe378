import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { until } from "../support/until.ts";
import { countStored, describeEachDatabase, describePostgres, open } from "./support/databases.ts";
import { expectStored, untilDry } from "./support/expectations.ts";
import { HandWrittenSale } from "./support/hand-written-sale.ts";
import { oneRedis } from "./support/one-redis.ts";
import { OrderScripts } from "./support/order-scripts.ts";
import { stockOf } from "./support/stock.ts";
import { killWorkers, WorkerProcess } from "./support/worker-process.ts";

const ledger = oneRedis();
afterEach(killWorkers);

let sale: HandWrittenSale;
beforeEach(() => {
  sale = new HandWrittenSale(ledger.server.client);
});

const start = (url: string): WorkerProcess =>
  WorkerProcess.start({ redis: ledger.server.url, database: url, settings: { BATCH_MAX: 50 } });

/** Long enough for several attempts, and for the statements under way to run out of time. */
const outageMs = 3_000;
/** As long as a restart of a real server may take, with its recovery. */
const longOutageMs = 10_000;

describePostgres((databases) => {
  const outages = {
    "stopped and started": {
      forMs: longOutageMs,
      begin: () => databases.server.stop(),
      end: () => databases.server.restart(),
    },
    "killed and started": {
      forMs: outageMs,
      begin: () => databases.server.kill(),
      end: () => databases.server.restart(),
    },
    hanging: {
      forMs: outageMs,
      begin: () => databases.server.pause(),
      end: () => databases.server.resume(),
    },
  } as const;

  test.each(Object.keys(outages) as (keyof typeof outages)[])(
    "PostgreSQL is %s in the middle of a sale: the sale goes on, and every order arrives later",
    async (kind) => {
      const url = await databases.create();
      await sale.open(100_000);
      const worker = start(url);
      await worker.untilReady();
      await sale.sell(500, "before");
      await until("some are stored", async () => (await countStored(url)) > 0);
      const { forMs, begin, end } = outages[kind];
      await begin();
      const endMs = performance.now() + forMs;
      let sold = 0;
      for (let round = 1; performance.now() < endMs; round += 1) {
        sold += (await sale.sell(50, `during-${round}`)).length;
        await Bun.sleep(50);
      }
      await worker.untilReady(503);
      expect(await worker.metric("sluice_faults_total", 'kind="database"')).toBeGreaterThan(0);
      const records = await sale.client.hget(sale.keys.stock, "records");
      expect(Number(records)).toBe(500 + sold);
      await end();
      await sale.sell(100, "after");
      await untilDry(sale);
      await expectStored(sale, url);
      await worker.untilReady();
    },
  );

  test("a worker that starts while PostgreSQL is away waits for it, and ends when it is asked to", async () => {
    const url = await databases.create();
    await sale.open(1_000);
    await sale.sell(100);
    await databases.server.stop();
    try {
      const impatient = start(url);
      await impatient.untilReady(503);
      expect(await impatient.stop()).toBe(0);
      start(url);
    } finally {
      await databases.server.restart();
    }
    await untilDry(sale);
    await expectStored(sale, url);
  });

  test("asked to stop while PostgreSQL hangs, the worker ends in time, and nothing is lost", async () => {
    const url = await databases.create();
    await sale.open(1_000);
    const worker = WorkerProcess.start({
      redis: ledger.server.url,
      database: url,
      settings: { STOP_MS: 500, DATABASE_TIMEOUT_MS: 20_000 },
    });
    await worker.untilReady();
    await databases.server.pause();
    await sale.sell(100);
    expect(await worker.stop()).toBe(0);
    await databases.server.resume();
    start(url);
    await untilDry(sale);
    await expectStored(sale, url);
  });
});

describe("a database that is locked", () => {
  describeEachDatabase((databases) => {
    test("another program holds the database's lock for a while: orders arrive later", async () => {
      const url = await databases.create();
      await sale.open(1_000);
      const worker = start(url);
      await worker.untilReady();
      const database = open(url);
      await database.runAll(
        database.dialect === "sqlite" ? "BEGIN IMMEDIATE" : "BEGIN; LOCK TABLE orders",
      );
      await sale.sell(100);
      await worker.untilReady(503);
      await database.run("ROLLBACK");
      await database.close();
      await untilDry(sale);
      await expectStored(sale, url);
    });

    test("while the database is away, holds lapse and go back on sale all the same", async () => {
      const url = await databases.create();
      const worker = start(url);
      await worker.untilReady();
      const database = open(url);
      await database.runAll(
        database.dialect === "sqlite" ? "BEGIN IMMEDIATE" : "BEGIN; LOCK TABLE orders",
      );
      const short = new OrderScripts(ledger.server.client);
      await short.open(20, 300);
      await short.sell(20);
      await worker.untilReady(503);
      await until("all holds have lapsed", async () => (await stockOf(short)).left === 20);
      await database.run("ROLLBACK");
      await database.close();
      await untilDry(short);
      await expectStored(short, url);
    });
  });
});
