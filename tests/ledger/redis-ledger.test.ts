import { expect, test } from "bun:test";

import { saleKeys } from "../../src/ledger/keys.ts";
import type { HoldReply, Reply } from "../../src/ledger/ledger.ts";
import { orderId, type OrderRef } from "../../src/sale/order.ts";
import { requestHash } from "../../src/sale/tokens.ts";
import { calls } from "./support/contents.ts";
import { batchOf, closeRigs, cutRigs, rigged } from "./support/ledger-rig.ts";
import { oneServer } from "./support/one-server.ts";
import { testSecret, tokenOf } from "./support/sale-scripts.ts";
import { readWholeSale } from "./support/whole-sale.ts";

closeRigs();
const one = oneServer();

async function openSale(total = 10): Promise<void> {
  await one.scripts.create({ total });
  await one.scripts.setState("open");
}

/** Serial of each result, or what refused it. */
function outcomes(reply: Reply<HoldReply | null>): (number | string)[] {
  if (reply.kind !== "ok" || reply.value === null) {
    throw new Error(`no decision: ${JSON.stringify(reply)}`);
  }
  return reply.value.results.map((result) =>
    result.kind === "sold" ? result.serial : result.kind,
  );
}

/** How many orders the sale has; and nothing of it may contradict another part. */
async function sold(): Promise<number> {
  return (await readWholeSale(one.scripts)).orders.size;
}

test("a batch is decided, and tells the sale as it stands", async () => {
  await openSale(2);
  const rig = await rigged({ url: one.server.url });
  const reply = await rig.buy("k1", "k2", "k3");
  expect(outcomes(reply)).toEqual([1, 2, "soldOut"]);
  const terms = { left: 0, state: "open", limit: 0, opensAtMs: 0, durable: true };
  expect(reply).toMatchObject({ kind: "ok", value: terms });
  const order = orderId("tickets", { serial: 1, token: tokenOf("k1") });
  expect(reply).toHaveProperty("value.results.0.order", order);
  const again = await rig.buy("k1");
  const [first, replayed] = [reply, again].map((its) =>
    its.kind === "ok" ? its.value?.results[0] : null,
  );
  expect(replayed as unknown).toEqual(first);
  expect(rig.roundTrips).toEqual(["hold", "hold"]);
});

test("a sale that there is not is null, not an error", async () => {
  const rig = await rigged({ url: one.server.url });
  expect(await rig.buy("k1")).toEqual({ kind: "ok", value: null });
  expect(await rig.ledger.readSales(["tickets"])).toEqual([{ kind: "ok", value: null }]);
  expect(await rig.lookup("k1")).toEqual({ kind: "ok", value: null });
  expect(await rig.ledger.readSecret("tickets")).toEqual({ kind: "ok", value: null });
});

test("a heartbeat tells who lives, a reading the sales, a lookup the orders", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  await rig.buy("k1");
  const beat = { livingWeight: 3, livingNodes: 1 };
  expect(await rig.ledger.heartbeat(3)).toMatchObject({ kind: "ok", value: beat });
  expect(await rig.ledger.readSales(["none", "tickets"])).toMatchObject([
    { kind: "ok", value: null },
    { kind: "ok", value: { sale: "tickets", left: 9, held: 1, serial: 1 } },
  ]);
  const token = tokenOf("k1");
  expect(await rig.lookup("k2", "k1")).toMatchObject({
    kind: "ok",
    value: { orders: [null, { token, serial: 1, state: "held" }], durable: true },
  });
});

test("a batch and a lookup with another sale's secret are refused, and the right one can be read", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  const wrong = { ...batchOf(["k1"]), secretId: "0123456789abcdef" };
  const refused = { kind: "refused", reason: expect.stringContaining("another secret") };
  expect(await rig.send(wrong)).toMatchObject(refused);
  expect(await rig.ledger.lookup("tickets", wrong.secretId, [tokenOf("k1")])).toMatchObject(
    refused,
  );
  expect(await rig.ledger.readSecret("tickets")).toEqual({ kind: "ok", value: testSecret });
  expect(await sold()).toBe(0);
});

test("an order is read by token and serial, whichever form its record has, and by both only", async () => {
  await openSale(20);
  const rig = await rigged({ url: one.server.url });
  await rig.buy("alone");
  await rig.buy("b1", "b2", "b3", "b4", "b5");
  for (const [key, serial] of [
    ["alone", 1],
    ["b3", 4],
  ] as const) {
    const token = tokenOf(key);
    const [order] = await one.scripts.ordersOf([key]);
    expect(order?.serial).toBe(serial);
    const read = (ref: OrderRef) => rig.ledger.readOrder("tickets", ref);
    expect(await read({ token, serial })).toEqual({ kind: "ok", value: order ?? null });
    expect(await read({ token, serial: serial + 1 })).toEqual({ kind: "ok", value: null });
    expect(await read({ token: tokenOf("b5"), serial })).toEqual({ kind: "ok", value: null });
    // A payment or a cancellation for another order's serial is one for no order.
    const other = [{ token, serial: serial + 1 }];
    const unknown = { kind: "ok", value: { results: [{ kind: "unknownOrder" }] } };
    expect(await rig.ledger.confirm("tickets", other)).toMatchObject(unknown);
    expect(await rig.ledger.cancel("tickets", other)).toMatchObject(unknown);
    const done = { kind: "done", order: { token, serial, state: "paid" } };
    expect(await rig.ledger.confirm("tickets", [{ token, serial }])).toMatchObject({
      kind: "ok",
      value: { results: [done] },
    });
  }
  expect(await sold()).toBe(6);
});

test("a script cache that was flushed is filled again, without a refusal", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  for (const batch of [1, 2, 3]) {
    await one.server.client.script("FLUSH");
    const [hold, beat, read, lookup] = await Promise.all([
      rig.buy(`k${batch}`),
      rig.ledger.heartbeat(1),
      rig.ledger.readSales(["tickets", "tickets"]),
      rig.lookup("k1"),
    ]);
    const replies = [hold, beat, ...read, lookup];
    expect(replies.map(({ kind }) => kind)).toEqual(Array(5).fill("ok"));
  }
  expect(await sold()).toBe(3);
});

test("a reply that does not come in time is unknown, and the batch sold once", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url, replyTimeoutMs: 100 });
  await rig.buy("warm-up");
  const first = rig.generation;
  one.server.pause();
  const batch = batchOf(["k1", "k2"]);
  const lost = await rig.send(batch);
  expect(lost.kind).toBe("unknown");
  one.server.resume();
  await rig.untilReady(first);
  expect(rig.faults.join("\n")).toContain("no answer within 100 ms");
  const again = outcomes(await rig.send(batch));
  expect(again.every((outcome) => typeof outcome === "number")).toBe(true);
  expect(await sold()).toBe(3);
});

test("a batch that was executed and whose reply was lost is unknown, and never sent again by itself", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url, replyTimeoutMs: 100 });
  await rig.buy("warm-up");
  const first = rig.generation;
  await one.server.client.config("RESETSTAT");
  // From here on the server executes what this connection sends and says nothing.
  rig.connection.live?.client.call("CLIENT", "REPLY", "OFF").catch(() => undefined);
  expect((await rig.buy("k1")).kind).toBe("unknown");
  expect(await sold()).toBe(2);
  await rig.untilReady(first);
  expect(await calls(one.server.client, "evalsha")).toBe(1);
  expect(outcomes(await rig.buy("k1"))).toEqual([2]);
  expect(await sold()).toBe(2);
});

test("a batch under way on a connection that is cut is unknown, and never sent again by itself", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  await rig.buy("warm-up");
  const first = rig.generation;
  await one.server.client.config("RESETSTAT");
  // The server reads both at one go and is done with the connection before it comes to the batch.
  const client = rig.connection.live?.client;
  const id = String(await client?.client("ID"));
  client?.call("CLIENT", "KILL", "ID", id, "SKIPME", "no").catch(() => undefined);
  expect((await rig.buy("k1")).kind).toBe("unknown");
  await rig.untilReady(first);
  expect(await calls(one.server.client, "evalsha")).toBe(0);
  expect(await sold()).toBe(1);
  expect(outcomes(await rig.buy("k1"))).toEqual([2]);
});

test("memory that is full and a server that is a replica refuse, and nothing is sold", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  await rig.buy("warm-up");
  const { client } = one.server;
  await client.config("SET", "maxmemory", "1");
  expect(await rig.buy("k1")).toMatchObject({
    kind: "refused",
    reason: expect.stringMatching(/^OOM/),
  });
  await client.config("SET", "maxmemory", "0");
  await client.replicaof("127.0.0.1", "1");
  expect(await rig.buy("k1")).toMatchObject({
    kind: "refused",
    reason: expect.stringMatching(/^READONLY/),
  });
  await client.replicaof("NO", "ONE");
  expect(outcomes(await rig.buy("k1"))).toEqual([2]);
  expect(rig.changes).toEqual([true]);
});

test("the tokens that were sold are told exactly, or not at all where there are too many", async () => {
  const keys = Array.from({ length: 1_000 }, (_, i) => `key-${i}`);
  await openSale(3_000);
  const rig = await rigged({ url: one.server.url });
  await rig.buy(...keys);
  expect(await rig.ledger.soldOrders("tickets", 1_000)).toEqual({
    kind: "ok",
    value: new Set(keys.map((key) => requestHash("", key))),
  });
  expect(await rig.ledger.soldOrders("tickets", 999)).toEqual({ kind: "ok", value: null });
  expect(await rig.ledger.soldOrders("never", 10)).toEqual({ kind: "ok", value: new Set() });
  await one.server.client.hset(saleKeys("tickets").orders, tokenOf("k"), "no record");
  expect(await rig.ledger.soldOrders("tickets", 9_000)).toEqual({ kind: "ok", value: null });
});

test("calls after the loss of the connection are not sent, and are taken when it is back", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  const first = rig.generation;
  await cutRigs(one.server.client);
  const replies: string[] = [];
  while (rig.generation === first || !rig.ledger.ready) {
    replies.push((await rig.buy("k1")).kind);
    await Bun.sleep(1);
  }
  expect(replies.every((kind) => kind !== "refused")).toBe(true);
  expect(outcomes(await rig.buy("k1"))).toEqual([1]);
  expect(await sold()).toBe(1);
});
