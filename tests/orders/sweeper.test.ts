import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { orderGroup } from "../../src/ledger/keys.ts";
import { readEntry } from "../../src/ledger/outbox/entry.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { readOrderRecord } from "../../src/sale/order.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { tokenOf } from "../ledger/support/sale-scripts.ts";
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
async function releases(): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (const [id, fields] of await sale.client.xrange(sale.keys.events, "-", "+")) {
    const reading = readEntry({ sale: sale.sale, id, fields });
    for (const record of reading.kind === "orders" ? reading.records : []) {
      if (record?.state === "released") {
        counts.set(record.serial, (counts.get(record.serial) ?? 0) + 1);
      }
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

test("the outbox is trimmed behind what is stored, as far as enough records stay, and everything is stored", async () => {
  await sale.open(30_000);
  start("w1", { STREAM_KEEP: 500, BATCH_MAX: 100 });
  const keys = await sale.sell(8_000, "k", 200);
  await untilDry(sale);
  // Held orders keep the entry of their batch, and all that is younger.
  for (let at = 0; at < keys.length; at += 100) {
    await sale.confirm(keys.slice(at, at + 100));
  }
  await untilDry(sale);
  const length = () => sale.client.xlen(sale.keys.events);
  await until("five entries of a hundred records are left", async () => (await length()) === 5);
  await expectStored(sale, url);
  await sale.sell(100, "more");
  await untilDry(sale);
  await expectStored(sale, url);
});

test("a batch with held orders keeps its entry, however many records are stored after it", async () => {
  await sale.open(30_000);
  await sale.sell(10, "held");
  const worker = start("w1", { STREAM_KEEP: 5 });
  await worker.untilReady();
  const keys = await sale.sell(200, "more");
  await sale.confirm(keys);
  await untilDry(sale);
  const entries = () => sale.client.xlen(sale.keys.events);
  // What opened the sale goes; the batch, what was sold after it, and its payments stay.
  await until("it is trimmed up to the batch", async () => (await entries()) === 4);
  await sale.cancel(Array.from({ length: 10 }, (_, i) => `held-${i + 1}`));
  await untilDry(sale);
  await until("it is trimmed", async () => (await entries()) === 1);
  await expectStored(sale, url);
});

test("a batch whose entry is gone lapses all the same, and is reported", async () => {
  await sale.open(100, 0);
  await sale.sell(10, "lost");
  const [row = ""] = await sale.client.hvals(sale.keys.batches);
  await sale.client.xdel(sale.keys.events, row.split("\t")[0] ?? "");
  await sale.sell(10, "good");
  const worker = start();
  await until("all have lapsed", async () => (await stockOf(sale)).left === 100);
  expect((await releases()).size).toBe(20);
  await worker.stop();
  expect(await worker.output()).toContain("has overdue holds that the outbox does not name");
});

test("of a batch whose entry is gone, all lapse but the orders whose records cannot be read", async () => {
  await sale.open(100, 0);
  await sale.sell(10, "lost");
  const [ref = "", row = ""] =
    Object.entries(await sale.client.hgetall(sale.keys.batches))[0] ?? [];
  await sale.client.xdel(sale.keys.events, row.split("\t")[0] ?? "");
  const [token = ""] = await sale.client.hkeys(sale.keys.orders);
  await sale.client.hset(sale.keys.orders, token, `0\t0\tann\t${ref}\thash`);
  const worker = start();
  await until("the others have lapsed", async () => (await stockOf(sale)).left === 99);
  await worker.stop();
  const output = await worker.output();
  expect(output).toContain("9 of them went back on sale");
  expect(output).not.toContain("failed");
});

test("a worker that hangs in the middle of a batch keeps its entries from being trimmed", async () => {
  await sale.open(30_000);
  // Three at a time, which need no batch and keep no entry by being held.
  await sale.sell(30, "first", 3);
  await sale.client.xgroup("CREATE", sale.keys.events, orderGroup, "0");
  // A worker that was given ten entries, and was never heard of again; nobody takes them over yet.
  await sale.client.xreadgroup(
    ...(["GROUP", orderGroup, "hung", "COUNT", 10, "STREAMS", sale.keys.events, ">"] as const),
  );
  const worker = start("w1", { STREAM_KEEP: 5, CLAIM_IDLE_MS: 3_600_000 });
  await worker.untilReady();
  await sale.sell(60, "more", 3);
  await until("the rest is stored", async () => (await countStored(url)) === 66);
  const trims = await calls(sale, "xtrim");
  await until("it has tried to trim", async () => (await calls(sale, "xtrim")) > trims + 1);
  expect(await sale.client.xlen(sale.keys.events)).toBe(32);
  await killWorkers();
  start("w1", { STREAM_KEEP: 5 });
  await untilDry(sale);
  await expectStored(sale, url);
  await until("it is trimmed", async () => (await sale.client.xlen(sale.keys.events)) === 2);
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
  const { cause, payByMs, changedAtMs } = readOrderRecord(tokenOf("k-1"), record, null);
  expect(cause).toBe("lapsed");
  expect(changedAtMs - payByMs).toBeLessThan(1_000);
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
  const worker = start();
  for (const one of [first, last]) {
    await until("it has lapsed", async () => (await stockOf(one)).left === 100);
  }
  await worker.stop();
  expect(await worker.output()).toContain("sale m-broken: WRONGTYPE");
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
