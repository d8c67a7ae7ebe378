import { beforeEach, expect, test } from "bun:test";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { contents } from "../ledger/support/contents.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { causeOf, OrderScripts, stateOf } from "./support/order-scripts.ts";
import { stockOf } from "./support/stock.ts";

const ledger = oneServer();
let sale: OrderScripts;

beforeEach(() => {
  sale = new OrderScripts(ledger.server.client);
});

test("a cancelled hold gives stock and the buyer's count back, once, and says so in the stream", async () => {
  await sale.open(10);
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
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 0, left: 1_000 });
});

test("a serial that was never sold, or another order's token, is no order, and the rest is done", async () => {
  await sale.open(10);
  await sale.sell(2);
  const [, token] = await sale.refs(["k-2"]);
  const { results, released } = await sale.releaseRaw(
    "cancelled",
    JSON.stringify([99, token, 1, token, 2, token]),
  );
  expect(results.slice(0, 2)).toEqual([scriptStatus.noOrder, scriptStatus.noOrder]);
  expect([stateOf(results[2]), released]).toEqual(["released", 1]);
});

test("an unknown sale is said to be none, and nothing is written", async () => {
  expect((await sale.lapse()).status).toBe(scriptStatus.noSale);
  expect((await sale.releaseRaw("cancelled", '[1,"0123456789abcdef"]', 1)).status).toBe(
    scriptStatus.noSale,
  );
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

const token = "0123456789abcdef";
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
  ["lapsed", `[1,"${token}"]`],
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
  await expect(sale.releaseRaw(cause, what, 1)).rejects.toThrow("BADARG release");
  expect(await contents(sale.client)).toEqual(before);
});

test.each(["orders", "buyers", "deadlines", "events"] as const)(
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
