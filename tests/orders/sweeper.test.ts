import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { orderGroup } from "../../src/ledger/keys.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { entries } from "../ledger/support/contents.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { until } from "../support/until.ts";
import { countStored } from "./support/databases.ts";
import { expectStored, untilDry } from "./support/expectations.ts";
import { OrderScripts } from "./support/order-scripts.ts";
import { stockOf } from "./support/stock.ts";
import { killWorkers, WorkerProcess } from "./support/worker-process.ts";

const ledger = oneServer();
let folder = "";
let url = "";
let sale: OrderScripts;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-sweeper-"));
  url = `sqlite://${join(folder, "orders.db")}`;
  sale = new OrderScripts(ledger.server.client);
});
afterEach(async () => {
  await killWorkers();
  await rm(folder, { recursive: true, force: true });
});

function start(name = "w1", settings: Record<string, string | number> = {}): WorkerProcess {
  return WorkerProcess.start({ name, redis: ledger.server.url, database: url, settings });
}

/** How often each order was released, by the outbox. */
async function releases(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [, fields] of await entries(sale.client, sale.keys.events)) {
    const serial = fields["released"]?.split("\t")[1];
    if (serial !== undefined) {
      counts.set(serial, (counts.get(serial) ?? 0) + 1);
    }
  }
  return counts;
}

test("holds that are not paid in time go back on sale, those that are paid stay, and the database learns of both", async () => {
  await sale.open(100, 400);
  const keys = await sale.sell(100);
  expect((await sale.hold([["late", "zoe"]])).results).toEqual([scriptStatus.soldOut]);
  const soldOut = await stockOf(sale);
  await sale.confirm(keys.slice(0, 30));
  const worker = start();
  await until("the rest has lapsed", async () => (await stockOf(sale)).left === 70);
  expect(await stockOf(sale)).toEqual({ held: 0, paid: 30, left: 70, epoch: soldOut.epoch + 1 });
  expect((await sale.hold([["late", "zoe"]])).results).toEqual([101]);
  await untilDry(sale);
  await until("zoe's hold has lapsed, too", async () => (await stockOf(sale)).left === 70);
  await untilDry(sale);
  await expectStored(sale, url);
  await worker.untilReady();
  expect(await worker.metric("sluice_lapsed_holds_total")).toBe(71);
});

test("two workers that sweep at once release each hold once", async () => {
  await sale.open(5_000, 600_000);
  const workers = [start("w1", { SWEEP_MS: 20 }), start("w2", { SWEEP_MS: 20 })];
  await Promise.all(workers.map((worker) => worker.untilReady()));
  await sale.client.hset(sale.keys.stock, "holdMs", 0);
  await sale.sell(3_000, "k", 50);
  await until("all have lapsed", async () => (await stockOf(sale)).left === 5_000);
  const counts = await releases();
  expect(counts.size).toBe(3_000);
  expect(new Set(counts.values())).toEqual(new Set([1]));
  expect(await sale.client.exists(sale.keys.buyers)).toBe(0);
  const lapsed = await Promise.all(
    workers.map((worker) => worker.metric("sluice_lapsed_holds_total")),
  );
  expect(lapsed.reduce((sum, holds) => sum + holds, 0)).toBe(3_000);
});

test("far more overdue holds than one look takes are all released, in every sale", async () => {
  const other = new OrderScripts(sale.client, "another");
  for (const one of [sale, other]) {
    await one.open(30_000, 0);
    await one.sell(25_000, "k", 250);
  }
  start();
  for (const one of [sale, other]) {
    await until("all have lapsed", async () => (await stockOf(one)).left === 30_000, 40_000);
  }
  await untilDry(sale);
  await untilDry(other);
  expect(await countStored(url)).toBe(50_000);
});

test("payments that race with the lapse of their holds: paid or released, and the books say the same", async () => {
  await sale.open(2_000, 200);
  start("w1", { SWEEP_MS: 20 });
  start("w2", { SWEEP_MS: 20 });
  const keys = await sale.sell(2_000);
  const paid: string[] = [];
  for (let at = 0; at < keys.length; at += 10) {
    const some = keys.slice(at, at + 10);
    const { results } = await sale.confirm(some);
    paid.push(...some.filter((_, index) => typeof results[index] === "string"));
  }
  await until("the rest has lapsed", async () => (await stockOf(sale)).held === 0);
  expect(await stockOf(sale)).toMatchObject({ paid: paid.length, left: 2_000 - paid.length });
  await untilDry(sale);
  await expectStored(sale, url);
});

test("the outbox is trimmed behind what is stored, as far as enough stays, and everything is stored", async () => {
  await sale.open(30_000);
  start("w1", { STREAM_KEEP: 500, BATCH_MAX: 100 });
  await sale.sell(8_000, "k", 200);
  await untilDry(sale);
  await until(
    "it is trimmed",
    async () => (await sale.client.xlen(sale.keys.events)) === 500,
    20_000,
  );
  await expectStored(sale, url);
  await sale.sell(100, "more");
  await untilDry(sale);
  await expectStored(sale, url);
});

test("a worker that hangs in the middle of a batch keeps its entries from being trimmed", async () => {
  await sale.open(30_000);
  await sale.sell(50, "first");
  await sale.client.xgroup("CREATE", sale.keys.events, orderGroup, "0");
  // A worker that was given ten entries, and was never heard of again; nobody takes them over yet.
  await sale.client.xreadgroup(
    ...(["GROUP", orderGroup, "hung", "COUNT", 10, "STREAMS", sale.keys.events, ">"] as const),
  );
  const worker = start("w1", { STREAM_KEEP: 5, CLAIM_IDLE_MS: 3_600_000 });
  await worker.untilReady();
  await sale.sell(200, "more");
  await until("the rest is stored", async () => (await countStored(url)) === 242);
  const trims = await calls(sale, "xtrim");
  await until("it has tried to trim", async () => (await calls(sale, "xtrim")) > trims + 1);
  expect(await sale.client.xlen(sale.keys.events)).toBe(252);
  await killWorkers();
  start("w1", { STREAM_KEEP: 5 });
  await untilDry(sale);
  await expectStored(sale, url);
  await until("it is trimmed", async () => (await sale.client.xlen(sale.keys.events)) === 5);
});

/** Commands that are called for one sale each: what must not be called while nothing happens. */
const perSale = ["evalsha", "zrangebyscore", "xlen", "xpending", "xautoclaim", "xinfo|groups"];

async function perSaleCalls(): Promise<number> {
  const counts = await Promise.all(perSale.map((command) => calls(sale, command)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Waits until a worker has found out that nothing is left to do. */
async function untilSettled(): Promise<void> {
  let [before, since] = [-1, performance.now()];
  await until(
    "the worker asks about no sale any more",
    async () => {
      const now = await perSaleCalls();
      if (now !== before) {
        [before, since] = [now, performance.now()];
      }
      return performance.now() - since > 2_500;
    },
    30_000,
  );
}

test("three hundred sales in which nothing happens cost a worker what one costs, and the one where holds lapse is swept", async () => {
  const others = Array.from(
    { length: 300 },
    (_, index) => new OrderScripts(sale.client, `s${index}`),
  );
  for (const one of others) {
    await one.open(100);
    await one.sell(10);
  }
  await sale.open(100);
  const worker = start("w1", { SWEEP_MS: 20, CLAIM_IDLE_MS: 1_000, BLOCK_MS: 2_000 });
  await worker.untilReady();
  await untilDry(sale);
  await untilSettled();
  const [before, looks, reads] = await Promise.all([
    perSaleCalls(),
    calls(sale, "get"),
    calls(sale, "xreadgroup"),
  ]);
  await until("it has looked", async () => (await calls(sale, "get")) >= looks + 4);
  expect(await perSaleCalls()).toBe(before);
  // One for all sales, and it waits for two seconds.
  expect((await calls(sale, "xreadgroup")) - reads).toBeLessThanOrEqual(2);
  await sale.client.hset(sale.keys.stock, "holdMs", 0);
  await sale.sell(50);
  await until("it has lapsed", async () => (await stockOf(sale)).left === 100);
  for (const one of others) {
    expect(await stockOf(one)).toMatchObject({ held: 10, left: 90 });
  }
});

test("a hold lapses on time though the worker knows of it for long and asks for nothing", async () => {
  await sale.open(100, 6_000);
  const worker = start("w1", { SWEEP_MS: 20 });
  await worker.untilReady();
  await sale.sell(1);
  const heldAtMs = await sale.nowMs();
  await untilSettled();
  expect((await sale.nowMs()) - heldAtMs).toBeLessThan(6_000);
  await until("it has lapsed", async () => (await stockOf(sale)).left === 100);
  const record = await sale.recordOf("k-1");
  const [, , , , payByMs, , , , , lapsedAtMs] = record.split("\t").map(Number);
  expect((lapsedAtMs ?? 0) - (payByMs ?? Infinity)).toBeLessThan(1_000);
});

test("a new sale is read within a second, though the worker waits for the others for long", async () => {
  await sale.open(100);
  const worker = start("w1", { BLOCK_MS: 10_000 });
  await worker.untilReady();
  await sale.sell(1);
  await untilDry(sale);
  const later = new OrderScripts(sale.client, "later");
  await later.open(100);
  await later.sell(5);
  await until("it is stored", async () => (await countStored(url)) === 6, 5_000);
});

test("a worker that waits for orders for long stops at once", async () => {
  await sale.open(100);
  const worker = start("w1", { BLOCK_MS: 10_000 });
  await worker.untilReady();
  await sale.sell(1);
  await untilDry(sale);
  const askedMs = performance.now();
  expect(await worker.stop()).toBe(0);
  expect(performance.now() - askedMs).toBeLessThan(5_000);
});

test("a sale whose deadlines are broken keeps no other from being swept", async () => {
  const [first, last] = [
    new OrderScripts(sale.client, "a-first"),
    new OrderScripts(sale.client, "z-last"),
  ];
  const broken = new OrderScripts(sale.client, "m-broken");
  for (const one of [first, broken, last]) {
    await one.open(100, 0);
  }
  await broken.client.set(broken.keys.deadlines, "no sorted set");
  await first.sell(10);
  await last.sell(10);
  start();
  for (const one of [first, last]) {
    await until("it has lapsed", async () => (await stockOf(one)).left === 100);
  }
});

test("of more sales than one round trip asks about, each with overdue holds is swept", async () => {
  const many = Array.from(
    { length: 600 },
    (_, index) => new OrderScripts(sale.client, `s${index}`),
  );
  for (const one of many) {
    await one.open(100, 0);
  }
  // Sales are looked at in the order of their ids: the first, some within, and the last of them.
  const overdue = many
    .toSorted((a, b) => (a.sale < b.sale ? -1 : 1))
    .filter((_, at) => at % 85 === 0 || at === 599);
  for (const one of overdue) {
    await one.sell(10);
  }
  start();
  for (const one of overdue) {
    await until("it has lapsed", async () => (await stockOf(one)).left === 100);
  }
});

/** How often the server has run a command, also from within scripts. */
async function calls({ client }: OrderScripts, command: string): Promise<number> {
  const stats = await client.info("commandstats");
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "mu").exec(stats)?.[1] ?? 0);
}
