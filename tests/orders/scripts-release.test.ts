import { afterEach, beforeEach, expect, test } from "bun:test";

import { changedKey } from "../../src/ledger/keys.ts";
import { StreamGroup } from "../../src/ledger/outbox/group.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { contents } from "../ledger/support/contents.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { tokenOf } from "../ledger/support/sale-scripts.ts";
import { readWholeSale } from "../ledger/support/whole-sale.ts";
import { until } from "../support/until.ts";
import { causeOf, OrderScripts, stateOf } from "./support/order-scripts.ts";
import { stockOf } from "./support/stock.ts";

const ledger = oneServer();
const token = tokenOf("k-1");
let sale: OrderScripts;

const groups: StreamGroup[] = [];

beforeEach(() => {
  sale = new OrderScripts(ledger.server.client);
});
afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.connection.close()));
});

/** The ledger as an order worker has it. */
async function openGroup(): Promise<StreamGroup> {
  const group = new StreamGroup({
    url: ledger.server.url,
    name: "sluice-test",
    consumer: "w1",
    replyTimeoutMs: 5e3,
    connectTimeoutMs: 1e3,
    readyTimeoutMs: 5e3,
    retryMinMs: 5,
    retryMaxMs: 50,
    onFault: () => undefined,
  });
  groups.push(group);
  group.connection.open();
  await until("it is connected", () => group.connection.live !== null);
  return group;
}

test("a cancelled hold gives stock and the buyer's count back, once, and says so in the stream", async () => {
  await sale.open(10, 600_000, 5);
  await sale.hold([
    ["k1", "ann", 2],
    ["k2", "ann", 3],
  ]);
  const { left, released, results } = await sale.cancel(["k1", "k1"]);
  expect([left, released]).toEqual([7, 1]);
  const record = await sale.recordOf("k1");
  expect(results).toEqual([record, record]);
  expect([stateOf(record), causeOf(record)]).toEqual(["released", "cancelled"]);
  expect(await stockOf(sale)).toMatchObject({ held: 3, paid: 0, left: 7 });
  expect(await sale.client.hgetall(sale.keys.buyers)).toEqual({ ann: "3" });
  const before = await contents(sale.client);
  const again = await sale.cancel(["k1"]);
  expect([again.results, again.released]).toEqual([[record], 0]);
  expect(await contents(sale.client)).toEqual(before);
});

test("a buyer with nothing left is forgotten, and may buy up to the limit again", async () => {
  await sale.open(10, 600_000, 1);
  await sale.hold([["k1", "ann"]]);
  expect((await sale.hold([["k2", "ann"]])).results).toEqual([scriptStatus.limitReached]);
  await sale.cancel(["k1"]);
  expect(await sale.client.exists(sale.keys.buyers)).toBe(0);
  expect((await sale.hold([["k3", "ann"]])).results).toEqual([2]);
});

test("the epoch grows when stock comes back after sold out, and only then", async () => {
  await sale.open(3);
  await sale.sell(2);
  const { epoch } = await stockOf(sale);
  expect((await sale.cancel(["k-1"])).epoch).toBe(epoch); // One was left.
  await sale.sell(2, "m"); // Sold out.
  expect((await sale.cancel(["m-1"])).epoch).toBe(epoch + 1);
  expect((await sale.cancel(["m-2"])).epoch).toBe(epoch + 1); // One was left.
  expect((await sale.cancel(["m-2"])).epoch).toBe(epoch + 1); // Nothing came back.
  expect(await stockOf(sale)).toMatchObject({ epoch: epoch + 1 });
});

test("whoever caches sales hears of a new epoch, and of no other release", async () => {
  await sale.open(2);
  await sale.sell(2);
  const changed = () => sale.client.get(changedKey);
  const before = Number(await changed());
  await sale.cancel(["k-1"]); // Sold out before.
  expect(await changed()).toBe(String(before + 1));
  await sale.cancel(["k-2"]);
  expect(await changed()).toBe(String(before + 1));
});

test("a paid order is neither cancelled nor does it lapse", async () => {
  await sale.open(10, 0);
  await sale.sell(1);
  await sale.confirm(["k-1"]);
  const paid = await sale.recordOf("k-1");
  expect((await sale.cancel(["k-1"])).results).toEqual([scriptStatus.alreadyPaid]);
  expect((await sale.lapse()).released).toBe(0);
  expect(await sale.recordOf("k-1")).toBe(paid);
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 1 });
});

test("holds lapse when they are due, by the ledger's clock, and no others do", async () => {
  await sale.open(10, 600_000);
  await sale.sell(2, "later");
  await sale.client.hset(sale.keys.stock, "holdMs", 0);
  await sale.sell(2, "due");
  const { released, more, left } = await sale.lapse();
  expect([released, more, left]).toEqual([2, 0, 8]);
  expect(causeOf(await sale.recordOf("due-1"))).toBe("lapsed");
  expect(stateOf(await sale.recordOf("later-1"))).toBe("held");
  const again = await sale.lapse();
  expect([again.released, again.more]).toEqual([0, 0]);
});

test("a hold lapses only when it is over by the ledger's clock and by the worker's", async () => {
  await sale.open(10, 600_000);
  await sale.sell(6, "later"); // A batch.
  await sale.sell(1, "alone");
  const nowMs = await sale.nowMs();
  // The worker's clock is far ahead: the ledger's decides.
  expect(await sale.lapse(1_000, nowMs + 700_000)).toMatchObject({ released: 0, left: 3 });
  await sale.setHoldMs(0);
  await sale.sell(2, "due");
  const before = await contents(sale.client);
  // The ledger's clock may have jumped: the worker's, which is behind, decides.
  for (const byMs of [0, nowMs - 1]) {
    expect(await sale.lapse(1_000, byMs)).toMatchObject({ released: 0, more: 0, broken: [] });
  }
  expect(await contents(sale.client)).toEqual(before);
  const named = JSON.stringify(await sale.refs(["due-1", "later-1"]));
  const early = await sale.releaseRaw("lapsed", named, { byMs: nowMs - 1 });
  expect(early.results).toEqual([scriptStatus.notDue, scriptStatus.notDue]);
  expect(await sale.lapse()).toMatchObject({ released: 2, left: 3 });
});

test("orders that are named lapse if they are due, once", async () => {
  await sale.open(10, 0);
  await sale.sell(5);
  await sale.sell(1, "alone");
  const named = JSON.stringify(await sale.refs(["k-2", "alone-1", "k-2"]));
  const { results, released } = await sale.releaseRaw("lapsed", named);
  expect([results.map(causeOf), released]).toEqual([["lapsed", "lapsed", "lapsed"], 2]);
  expect((await readWholeSale(sale)).stock).toMatchObject({ held: "4" });
  expect(await sale.lapse()).toMatchObject({ released: 4 });
  await readWholeSale(sale);
});

/** A batch of five that is over, whose entry in the outbox is gone. */
async function loseEntry(): Promise<string> {
  await sale.open(20, 0);
  const ref = sale.newRef();
  await sale.hold(
    ["b1", "b2", "b3", "b4", "b5"].map((key) => [key, "ann"] as const),
    { ref },
  );
  const row = (await sale.client.hget(sale.keys.batches, ref)) ?? "";
  expect(await sale.client.xdel(sale.keys.events, row.split("\t")[0] ?? "")).toBe(1);
  return ref;
}

test("a batch whose entry is gone is reported, put off, and keeps no other from lapsing", async () => {
  const ref = await loseEntry();
  await sale.sell(5, "good");
  await sale.sell(2, "alone");
  const earliestMs = await sale.nowMs();
  expect(await sale.lapse()).toMatchObject({ released: 7, more: 0, broken: [ref] });
  const putOff = Number(await sale.client.zscore(sale.keys.deadlines, `b${ref}`));
  expect(putOff).toBeGreaterThanOrEqual(earliestMs + 60_000);
  expect(putOff).toBeLessThanOrEqual((await sale.nowMs()) + 60_000);
  const before = await contents(sale.client);
  expect(await sale.lapse()).toMatchObject({ released: 0, broken: [] });
  expect(await contents(sale.client)).toEqual(before);
  expect(await stockOf(sale)).toMatchObject({ held: 5, left: 15 });
});

test("a batch whose row is gone is reported, put off, and its deadline is not dropped", async () => {
  const ref = await loseEntry();
  await sale.client.hdel(sale.keys.batches, ref);
  await sale.sell(2, "alone");
  const earliestMs = await sale.nowMs();
  expect(await sale.lapse()).toMatchObject({ released: 2, more: 0, broken: [ref] });
  const putOff = Number(await sale.client.zscore(sale.keys.deadlines, `b${ref}`));
  expect(putOff).toBeGreaterThanOrEqual(earliestMs + 60_000);
  expect(await sale.lapse()).toMatchObject({ released: 0, broken: [] });
  const group = await openGroup();
  expect(await group.lapseBatch(sale.sale, ref)).toBe(0);
  expect(await stockOf(sale)).toMatchObject({ held: 5, left: 15 });
});

test("no hold of a batch whose entry is gone is lost: a reading of all orders finds them", async () => {
  const ref = await loseEntry();
  await sale.setHoldMs(600_000);
  await sale.sell(700, "others");
  await sale.confirm(["b2"]);
  expect((await sale.lapse()).broken).toEqual([ref]);
  const group = await openGroup();
  expect(await group.lapseBatch(sale.sale, ref)).toBe(4);
  expect((await sale.ordersOf(["b1", "b2", "b3"])).map((order) => order?.cause)).toEqual([
    "lapsed",
    "paid",
    "lapsed",
  ]);
  expect(await stockOf(sale)).toMatchObject({ held: 15, paid: 1, left: 4 });
  expect(await sale.client.hexists(sale.keys.batches, ref)).toBe(0);
  expect(await sale.client.zscore(sale.keys.deadlines, `b${ref}`)).toBeNull();
  expect(await group.lapseBatch(sale.sale, ref)).toBe(0);
});

test("holds that the entry of their batch does not name are found as well", async () => {
  await sale.open(20, 0);
  const ref = sale.newRef();
  await sale.hold([["b1"], ["b2"], ["b3"], ["b4"]], { ref });
  await sale.hold([["x1"], ["x2"], ["x3"], ["x4"]]);
  // The row leads to another batch's entry.
  const rows = await sale.client.hgetall(sale.keys.batches);
  const [wrong = ""] = Object.entries(rows).flatMap(([its, row]) =>
    its === ref ? [] : [row.split("\t")[0] ?? ""],
  );
  const row = rows[ref]?.split("\t").with(0, wrong).join("\t") ?? "";
  await sale.client.hset(sale.keys.batches, ref, row);
  expect(await sale.lapse()).toMatchObject({ released: 4, broken: [ref] });
  expect(await (await openGroup()).lapseBatch(sale.sale, ref)).toBe(4);
  expect(await stockOf(sale)).toMatchObject({ held: 0, left: 20 });
});

test("a hold that is cancelled or paid before its time does not come back twice when it lapses", async () => {
  await sale.open(10, 0);
  await sale.sell(3);
  await sale.cancel(["k-1"]);
  await sale.confirm(["k-2"]);
  expect(await sale.lapse()).toMatchObject({ released: 1, left: 9 });
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 1, left: 9 });
  expect(await sale.client.zcard(sale.keys.deadlines)).toBe(0);
});

test("more overdue holds than a call looks at are released by and by, each once", async () => {
  await sale.open(1_000, 0);
  await sale.sell(95, "k", 10);
  const calls: number[] = [];
  for (let more = 1; more === 1 && calls.length < 100;) {
    const answer = await sale.lapse(20);
    calls.push(answer.released);
    more = answer.more;
  }
  expect(calls.reduce((sum, released) => sum + released, 0)).toBe(95);
  expect(Math.max(...calls)).toBeLessThan(30); // A batch is not torn.
  await readWholeSale(sale);
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 0, left: 1_000 });
});

test("two batches of a thousand lapse in one call, in entries of at most a thousand records", async () => {
  await sale.open(2_000, 0);
  await sale.sell(1, "first");
  const heldMs = await sale.nowMs();
  await until("it is due before the others", async () => (await sale.nowMs()) > heldMs);
  await sale.sell(1_999, "k", 1_000);
  expect(await sale.lapse(1_000)).toMatchObject({ released: 1_001, more: 1 });
  expect(await sale.lapse(1_000)).toMatchObject({ released: 999, more: 0 });
  const { entries, orders } = await readWholeSale(sale);
  expect(orders.size).toBe(2_000);
  expect(entries).toBe(2 + 3 + 3);
});

test("a serial that was never sold, or another order's token, is no order, and the rest is done", async () => {
  await sale.open(10);
  await sale.sell(2);
  const two = tokenOf("k-2");
  const named = JSON.stringify([99, two, 1, two, 2, two]);
  const { results, released } = await sale.releaseRaw("cancelled", named);
  expect(results.slice(0, 2)).toEqual([scriptStatus.noOrder, scriptStatus.noOrder]);
  expect([stateOf(results[2]), released]).toEqual(["released", 1]);
});

test("an unknown sale is said to be none, and nothing is written", async () => {
  expect((await sale.lapse()).status).toBe(scriptStatus.noSale);
  const named = `[1,"${token}"]`;
  const { status } = await sale.releaseRaw("cancelled", named, { fence: 1 });
  expect(status).toBe(scriptStatus.noSale);
  expect(await sale.client.dbsize()).toBe(0);
});

test("repeated with the fence, it writes, so that a wait for durability covers the order", async () => {
  await sale.open(10);
  await sale.sell(1);
  await sale.cancel(["k-1"], 1);
  expect(await sale.client.hexists(sale.keys.stock, "fencedAtMs")).toBe(0);
  await sale.cancel(["k-1"], 1);
  expect(await sale.client.hexists(sale.keys.stock, "fencedAtMs")).toBe(1);
});

const tooMany = Array.from({ length: 1001 }, (_, index) => [index + 1, token]).flat();
test.each([
  ["", "1"],
  ["paid", `[1,"${token}"]`],
  ["lapsed", ""],
  ["lapsed", "0"],
  ["lapsed", "-1"],
  ["lapsed", "1001"],
  ["lapsed", "nan"],
  ["lapsed", "1.5"],
  ["lapsed", `["1","${token}"]`],
  ["cancelled", ""],
  ["cancelled", "no json"],
  ["cancelled", "1"],
  ["cancelled", "[]"],
  ["cancelled", "[1]"],
  ["cancelled", `["1","${token}"]`],
  ["cancelled", "[1,null]"],
  ["cancelled", `[1.5,"${token}"]`],
  ["cancelled", JSON.stringify(tooMany)],
])("bad arguments are refused before anything is written: %p %p", async (cause, what) => {
  await sale.open(10, 0);
  await sale.sell(1);
  const before = await contents(sale.client);
  await expect(sale.releaseRaw(cause, what, { fence: 1 })).rejects.toThrow("BADARG release");
  expect(await contents(sale.client)).toEqual(before);
});

test.each(["orders", "batches", "buyers", "deadlines", "events"] as const)(
  "a %s key of another type: nothing is half written",
  async (name) => {
    await sale.open(10, 0);
    await sale.sell(1);
    await sale.client.set(sale.keys[name], "of another type");
    const before = await contents(sale.client);
    await expect(sale.lapse()).rejects.toThrow("WRONGTYPE");
    expect(await contents(sale.client)).toEqual(before);
  },
);
