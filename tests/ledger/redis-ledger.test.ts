import { expect, test } from "bun:test";

import type { HoldReply, Reply } from "../../src/ledger/ledger.ts";
import { orderId } from "../../src/sale/order.ts";
import { checkInvariants, readBooks } from "./support/books.ts";
import { calls } from "./support/contents.ts";
import { closeRigs, cutRigs, rigged } from "./support/ledger-rig.ts";
import { oneServer } from "./support/one-server.ts";
import { tokenOf } from "./support/sale-scripts.ts";

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

/** How many orders the sale has; and its books must be in order. */
async function sold(): Promise<number> {
  const { server, scripts } = one;
  const books = await readBooks(server.client, scripts.keys);
  checkInvariants(scripts.sale, books);
  return Object.keys(books.records).length;
}

test("a batch is decided, and tells the sale as it stands", async () => {
  await openSale(2);
  const rig = await rigged({ url: one.server.url });
  const reply = await rig.buy("k1", "k2", "k3", "k1");
  expect(outcomes(reply)).toEqual([1, 2, "soldOut", 1]);
  const terms = { left: 0, state: "open", limit: 0, opensAtMs: 0, durable: true };
  expect(reply).toMatchObject({ kind: "ok", value: terms });
  const order = orderId("tickets", 1, tokenOf("k1"));
  expect(reply).toHaveProperty("value.results.0.order", order);
  const results = reply.kind === "ok" ? reply.value?.results : undefined;
  expect(results?.[3]).toEqual(results?.[0]);
  expect(rig.roundTrips).toEqual(["hold"]);
});

test("a sale that there is not is null, not an error", async () => {
  const rig = await rigged({ url: one.server.url });
  expect(await rig.buy("k1")).toEqual({ kind: "ok", value: null });
  expect(await rig.ledger.readSales(["tickets"])).toEqual([{ kind: "ok", value: null }]);
  expect(await rig.ledger.lookup("tickets", ["k1"])).toEqual({ kind: "ok", value: null });
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
  expect(await rig.ledger.lookup("tickets", ["k2", "k1"])).toMatchObject({
    kind: "ok",
    value: { orders: [null, { key: "k1", serial: 1, state: "held" }], durable: true },
  });
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
      rig.ledger.lookup("tickets", ["k1"]),
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
  const lost = await rig.buy("k1", "k2");
  expect(lost.kind).toBe("unknown");
  one.server.resume();
  await rig.untilReady(first);
  expect(rig.faults.join("\n")).toContain("no answer within 100 ms");
  const again = outcomes(await rig.buy("k1", "k2"));
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

test("the keys that were sold are told exactly, or not at all where there are too many", async () => {
  const keys = Array.from({ length: 1_000 }, (_, i) => `key-${i}`);
  await openSale(3_000);
  const rig = await rigged({ url: one.server.url });
  await rig.buy(...keys);
  expect(await rig.ledger.soldKeys("tickets", 1_000)).toEqual({
    kind: "ok",
    value: new Set(keys),
  });
  expect(await rig.ledger.soldKeys("tickets", 999)).toEqual({ kind: "ok", value: null });
  expect(await rig.ledger.soldKeys("never", 10)).toEqual({ kind: "ok", value: new Set() });
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
