import { afterEach, beforeEach, expect, test } from "bun:test";

import { orderGroup } from "../../src/ledger/keys.ts";
import { randomOf, seedsOf } from "../faults/support/seed.ts";
import { until } from "../support/until.ts";
import { countStored, type Databases, describeEachDatabase, open } from "./support/databases.ts";
import { expectStored, untilDry } from "./support/expectations.ts";
import { HandWrittenSale } from "./support/hand-written-sale.ts";
import { oneRedis } from "./support/one-redis.ts";
import { killWorkers, WorkerProcess } from "./support/worker-process.ts";

const ledger = oneRedis();
afterEach(killWorkers);

const seeds = seedsOf("workers killed at any moment", 3);

describeEachDatabase((databases: Databases) => {
  let sale: HandWrittenSale;
  let url = "";
  beforeEach(async () => {
    sale = new HandWrittenSale(ledger.server.client);
    url = await databases.create();
  });
  const start = (name: string, batchMax = 40): WorkerProcess =>
    WorkerProcess.start({
      name,
      redis: ledger.server.url,
      database: url,
      settings: { BATCH_MAX: batchMax },
    });

  test.each(seeds)(
    "workers are killed again and again during a sale (seed %d): every order is stored once",
    async (seed) => {
      const random = randomOf(seed);
      await sale.open(100_000);
      const sellers = new AbortController();
      const sold = (async () => {
        for (let round = 1; !sellers.signal.aborted; round += 1) {
          const keys = await sale.sell(random.whole(1, 60), `r${round}`, 20);
          const some = keys.filter(() => random.chance(0.4));
          if (some.length > 0) {
            await (random.chance(0.5) ? sale.confirm(some) : sale.cancel(some));
          }
          await Bun.sleep(random.whole(0, 10));
        }
      })();
      for (let kill = 1; kill <= 4; kill += 1) {
        // At times under the same name, as systemd would start it, and at times beside another.
        const workers = [start(random.pick(["w1", "w2"]))];
        if (random.chance(0.3)) {
          workers.push(start("w3"));
        }
        await Bun.sleep(random.whole(100, 900));
        await Promise.all(workers.map((worker) => worker.kill()));
      }
      sellers.abort();
      await sold;
      start("last");
      await untilDry(sale);
      await expectStored(sale, url);
    },
  );

  test("killed after the commit and before the acknowledgement, its orders are not stored twice", async () => {
    await sale.open(1_000);
    await sale.sell(100, "k", 10);
    await sale.client.acl("SETUSER", "default", "-xack");
    try {
      start("first");
      await until("it has stored", async () => (await countStored(url)) > 0);
    } finally {
      await killWorkers();
      await sale.client.acl("SETUSER", "default", "+xack");
    }
    expect(await pendingOf(sale)).toBeGreaterThan(0);
    start("second");
    await untilDry(sale);
    await expectStored(sale, url);
  });

  test("while Redis refuses acknowledgements, what is stored stays so, and is acknowledged as soon as it can be", async () => {
    await sale.open(1_000);
    await sale.client.acl("SETUSER", "default", "-xack");
    try {
      // Nobody takes anything over within this test: the worker itself settles what it has.
      WorkerProcess.start({
        redis: ledger.server.url,
        database: url,
        settings: { CLAIM_IDLE_MS: 3_600_000, BATCH_MAX: 40 },
      });
      await sale.sell(100, "k", 10);
      await until("it has stored", async () => (await countStored(url)) > 0);
    } finally {
      await sale.client.acl("SETUSER", "default", "+xack");
    }
    await sale.sell(50, "more", 10);
    await untilDry(sale);
    await expectStored(sale, url);
  });

  test("killed after the read and before the commit, what it had read is stored by another worker", async () => {
    await sale.open(1_000);
    await start("first").untilReady();
    const database = open(url);
    // Nobody else can write for as long as this transaction lasts.
    await database.runAll(
      database.dialect === "sqlite" ? "BEGIN IMMEDIATE" : "BEGIN; LOCK TABLE orders",
    );
    await sale.sell(100, "k", 10);
    await until("it has read", async () => (await pendingOf(sale)) > 0);
    await killWorkers();
    await database.run("ROLLBACK");
    await database.close();
    expect(await countStored(url)).toBe(0);
    start("second");
    await untilDry(sale);
    await expectStored(sale, url);
  });

  test("the same worker, started again under its name, takes up what it had at once", async () => {
    await sale.open(1_000);
    await sale.sell(100, "k", 10);
    await sale.client.xgroup("CREATE", sale.keys.events, orderGroup, "0");
    // What "w1" was given before it died; it died just now, so nobody may take it over yet.
    await sale.client.xreadgroup("GROUP", orderGroup, "w1", "STREAMS", sale.keys.events, ">");
    WorkerProcess.start({
      name: "w1",
      redis: ledger.server.url,
      database: url,
      settings: { CLAIM_IDLE_MS: 3_600_000, BATCH_MAX: 7 },
    });
    await untilDry(sale);
    await expectStored(sale, url);
  });
});

/** Entries that were read and not acknowledged; none while no worker has made the group. */
async function pendingOf(sale: HandWrittenSale): Promise<number> {
  const [raw] = (await sale.client.xinfo("GROUPS", sale.keys.events)) as unknown[][];
  return raw === undefined ? 0 : Number(raw[raw.indexOf("pending") + 1]);
}
