import { beforeEach, expect, test } from "bun:test";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { encodeFullRecord, type OrderRecord } from "../../src/sale/order.ts";
import { contents } from "../ledger/support/contents.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { tokenOf } from "../ledger/support/sale-scripts.ts";
import { readWholeSale } from "../ledger/support/whole-sale.ts";
import { causeOf, OrderScripts, stateOf } from "./support/order-scripts.ts";
import { stockOf } from "./support/stock.ts";

const ledger = oneServer();
const { noOrder, noSale, refund } = scriptStatus;
const token = tokenOf("k-1");
let sale: OrderScripts;

beforeEach(() => {
  sale = new OrderScripts(ledger.server.client);
});

test("a held order is paid: counted so, told in the stream, and its record says when and why", async () => {
  await sale.open(10, 600_000, 4);
  await sale.hold([["k1", "ann", 2]]);
  const before = await sale.nowMs();
  const { status, left, results } = await sale.confirm(["k1"]);
  expect([status, left]).toEqual([0, 8]);
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 2, left: 8 });
  const record = await sale.recordOf("k1");
  expect(results).toEqual([record]);
  const [order] = await sale.ordersOf(["k1"]);
  expect(order).toMatchObject({ state: "paid", revision: 2, cause: "paid" });
  expect(order?.changedAtMs).toBeGreaterThanOrEqual(before);
  const [entry] = await sale.client.xrevrange(sale.keys.events, "+", "-", "COUNT", 1);
  expect(entry?.[1]).toEqual(["n", "2", "orders", ["", tokenOf("k1"), record].join("\n")]);
  // Nothing is left that could lapse.
  expect(await sale.client.exists(sale.keys.deadlines)).toBe(0);
  expect(await sale.client.hgetall(sale.keys.buyers)).toEqual({ ann: "2" });
});

test("of a batch, what is paid leaves it, and with the last of its held orders it goes", async () => {
  await sale.open(10);
  const keys = await sale.sell(5);
  const living = async (): Promise<string[]> =>
    (await sale.client.hvals(sale.keys.batches)).map((row) => row.split("\t")[4] ?? "");
  const first = await sale.confirm(keys.slice(0, 2));
  expect(first.results.map(stateOf)).toEqual(["paid", "paid"]);
  expect(await living()).toEqual(["3"]);
  await sale.confirm(keys.slice(1, 4));
  expect(await living()).toEqual(["1"]);
  await readWholeSale(sale);
  await sale.confirm(keys);
  expect(await living()).toEqual([]);
  expect(await sale.client.exists(sale.keys.batches, sale.keys.deadlines)).toBe(0);
  expect((await readWholeSale(sale)).stock).toMatchObject({ held: "0", paid: "5" });
});

test("paid again, and again within one batch, changes nothing and gives the same answer", async () => {
  await sale.open(10);
  await sale.sell(2);
  const first = await sale.confirm(["k-1", "k-2"]);
  const before = await contents(sale.client);
  const second = await sale.confirm(["k-2", "k-1", "k-1"]);
  expect(second.results).toEqual([
    first.results[1],
    first.results[0],
    first.results[0],
  ] as string[]);
  expect(await contents(sale.client)).toEqual(before);
});

test("named twice in the batch that pays it, an order is paid once", async () => {
  await sale.open(10);
  await sale.sell(1);
  const { results } = await sale.confirm(["k-1", "k-1"]);
  expect(results[0]).toEqual(results[1] as string);
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 1 });
  expect(await sale.client.xlen(sale.keys.events)).toBe(4); // created, open, held, paid
});

test("repeated with the fence, it writes, so that a wait for durability covers the order", async () => {
  await sale.open(10);
  await sale.sell(1);
  await sale.confirm(["k-1"], 1);
  expect(await sale.client.hexists(sale.keys.stock, "fencedAtMs")).toBe(0);
  await sale.confirm(["k-1"], 1);
  expect(await sale.client.hexists(sale.keys.stock, "fencedAtMs")).toBe(1);
});

test("a late payment revives what lapsed while stock is left, and counts the buyer again", async () => {
  await sale.open(2, 0, 2);
  await sale.hold([["k1", "ann", 2]]);
  await sale.lapse();
  expect(await sale.client.hgetall(sale.keys.buyers)).toEqual({});
  const { results, left, epoch } = await sale.confirm(["k1"]);
  expect([stateOf(results[0]), causeOf(results[0]), left]).toEqual(["paid", "revived", 0]);
  expect((await sale.ordersOf(["k1"]))[0]?.revision).toBe(3);
  expect(await sale.client.hgetall(sale.keys.buyers)).toEqual({ ann: "2" });
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 2, left: 0, epoch });
});

test.each([
  ["nothing is left", 2, 2],
  ["less is left than it held", 1, 1],
] as const)("a late payment is refused when %s: refund", async (_, sold, left) => {
  await sale.open(2, 0);
  await sale.hold([["k1", "ann", 2]]);
  await sale.lapse();
  await sale.hold([["k2", "bob", sold]]);
  const before = await contents(sale.client);
  const answer = await sale.confirm(["k1"]);
  expect(answer.results).toEqual([refund]);
  expect(answer.left).toBe(2 - left);
  expect(await contents(sale.client)).toEqual(before);
});

test("what was cancelled is not revived, however much is left: refund, and nothing is written", async () => {
  await sale.open(10);
  await sale.sell(2);
  await sale.cancel(["k-1"]);
  const before = await contents(sale.client);
  expect(await sale.confirm(["k-1", "k-1"])).toMatchObject({ results: [refund, refund], left: 9 });
  expect(await contents(sale.client)).toEqual(before);
  expect((await sale.confirm(["k-1", "k-2"])).results.map(stateOf)).toEqual([
    String(refund),
    "paid",
  ]);
  expect(await stockOf(sale)).toMatchObject({ held: 0, paid: 1, left: 9 });
});

test("what is released for a cause that nobody knows is not revived either", async () => {
  await sale.open(10);
  await sale.sell(1);
  const [order] = await sale.ordersOf(["k-1"]);
  const held = encodeFullRecord(order as OrderRecord);
  for (const cause of ["held", "conflict", "paid"]) {
    const released = held.replace("held", "released").replace("\theld\t", `\t${cause}\t`);
    await sale.client.hset(sale.keys.orders, token, released);
    expect((await sale.confirmRaw(JSON.stringify([1, token]))).results).toEqual([refund]);
  }
});

test("of late payments in one batch, as many are revived as there is stock", async () => {
  await sale.open(3, 0);
  await sale.sell(3);
  await sale.lapse();
  await sale.hold([["other", "bob"]]);
  const { results, left } = await sale.confirm(["k-1", "k-2", "k-3"]);
  expect(results.map((result) => (result === refund ? "refund" : stateOf(result)))).toEqual([
    "paid",
    "paid",
    "refund",
  ]);
  expect(left).toBe(0);
  expect(await stockOf(sale)).toMatchObject({ held: 1, paid: 2, left: 0 });
});

test("a payment for one serial never pays the order of the same token with another", async () => {
  // As of a sale that was made anew under its id: the request is the same, its order is not.
  await sale.open(30);
  await sale.sell(18, "others");
  await sale.sell(1);
  const before = await contents(sale.client);
  const answer = await sale.confirmRaw(JSON.stringify([7, token, 18, token, 20, token]));
  expect(answer.results).toEqual([noOrder, noOrder, noOrder]);
  const released = await sale.releaseRaw("cancelled", JSON.stringify([7, token]));
  expect(released.results).toEqual([noOrder]);
  expect(await contents(sale.client)).toEqual(before);
  expect((await sale.confirmRaw(JSON.stringify([19, token]))).results.map(stateOf)).toEqual([
    "paid",
  ]);
});

test("a serial that was never sold, or another order's token, is no order, and the rest is done", async () => {
  await sale.open(10);
  await sale.sell(2);
  const two = tokenOf("k-2");
  const { results } = await sale.confirmRaw(
    JSON.stringify([99, two, 1, two, 0, two, -1, two, 2, two]),
  );
  expect(results.slice(0, 4)).toEqual([noOrder, noOrder, noOrder, noOrder]);
  expect(stateOf(results[4])).toBe("paid");
  expect(await stockOf(sale)).toMatchObject({ held: 1, paid: 1 });
});

test("an unknown sale is said to be none, and nothing is written", async () => {
  const answer = await sale.confirmRaw(`[1,"${token}"]`, 1);
  expect(answer.status).toBe(noSale);
  expect(await sale.client.dbsize()).toBe(0);
});

test.each(["orders", "batches", "buyers", "deadlines", "events"] as const)(
  "a %s key of another type: nothing is half written",
  async (name) => {
    await sale.open(10);
    await sale.sell(1);
    const refs = JSON.stringify(await sale.refs(["k-1"]));
    await sale.client.set(sale.keys[name], "of another type");
    const before = await contents(sale.client);
    await expect(sale.confirmRaw(refs)).rejects.toThrow("WRONGTYPE");
    expect(await contents(sale.client)).toEqual(before);
  },
);
