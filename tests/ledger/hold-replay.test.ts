import { expect, test } from "bun:test";

import { nodesKey } from "../../src/ledger/keys.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { OrderScripts } from "../orders/support/order-scripts.ts";
import { contents, countingChanges } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { type Ask, tokenOf } from "./support/sale-scripts.ts";

const ledger = oneServer();
const { staleGeneration, fewerLeft, wrongSecret } = scriptStatus;

async function openSale(total = 10): Promise<typeof ledger> {
  await ledger.scripts.create({ total });
  await ledger.scripts.setState("open");
  return ledger;
}

/** Too few for a row of their own in `batches`. */
const asks: readonly Ask[] = [["k1", "ann", 2], ["k2"], ["k3", "bob", 3]];
const batch: readonly Ask[] = [...asks, ["b1"], ["b2", "bob", 2]];

test.each([
  ["few requests", asks, 4],
  ["a whole batch", batch, 1],
] as const)(
  "%s that are sent again get the same orders and change nothing",
  async (_, sent, left) => {
    const { server, scripts } = await openSale();
    await scripts.heartbeat();
    const ref = scripts.newRef();
    await scripts.hold(sent, { ref });
    const before = await contents(server.client);
    const again = await countingChanges(server.client, () => scripts.hold(sent, { ref }));
    const named = await Promise.all(sent.map(([key]) => scripts.recordOf(key)));
    expect(again.value).toMatchObject({ status: 0, left, results: named });
    expect(again.made).toBe(0);
    expect(await contents(server.client)).toEqual(before);
  },
);

test("a ref that is used again for other requests mixes nothing up", async () => {
  const { server, scripts } = await openSale(20);
  const ref = scripts.newRef();
  await scripts.hold(batch, { ref });
  const before = await server.client.hgetall(scripts.keys.batches);
  const records = await Promise.all(batch.map(([key]) => scripts.recordOf(key)));
  const more: readonly Ask[] = [["m1"], ["k1", "ann", 2], ["m2"], ["m3"], ["m4"]];
  const mixed = await scripts.hold(more, { ref });
  expect(mixed.results).toEqual([6, await scripts.recordOf("k1"), 8, 9, 10]);
  // The row is that of the first batch, whose records alone name it.
  expect(await server.client.hgetall(scripts.keys.batches)).toEqual(before);
  expect(await Promise.all(batch.map(([key]) => scripts.recordOf(key)))).toEqual(records);
  const orders = await scripts.ordersOf(["m1", "m2", "m3", "m4"]);
  expect(orders.map((order) => order?.serial)).toEqual([6, 8, 9, 10]);
});

test("another node that sends the batch again gets the same orders", async () => {
  const { scripts } = await openSale();
  await scripts.hold(asks);
  const again = await scripts.hold(asks, { instance: "node2#b", generation: 7 });
  const first = await scripts.recordOf("k1");
  expect(again.left).toBe(4);
  expect(again.results[0]).toEqual(first);
});

test("a batch known in part gets its old orders and new ones for the rest", async () => {
  const { scripts } = await openSale();
  await scripts.hold(asks);
  const again = await scripts.hold([["k4"], ["k1", "ann", 2], ["k5"]]);
  expect(again.results).toEqual([4, await scripts.recordOf("k1"), 6]);
  expect(again.left).toBe(2);
});

test("one request that is known does not keep the others of its batch from going in bulk", async () => {
  const { server, scripts } = await openSale(20);
  await scripts.hold(asks);
  const ref = scripts.newRef();
  const more: readonly Ask[] = [["n1"], ["k2"], ["n2"], ["n3"], ["n4"]];
  const mixed = await scripts.hold(more, { ref });
  expect(mixed.results).toEqual([4, await scripts.recordOf("k2"), 6, 7, 8]);
  expect(await server.client.hget(scripts.keys.batches, ref)).toEndWith("\t4");
  // The entry has what this call sold, and nothing else.
  const [entry] = await server.client.xrevrange(scripts.keys.events, "+", "-", "COUNT", 1);
  const lines = entry?.[1][3]?.split("\n").filter((_, line) => line % 2 === 1);
  expect(lines).toEqual(["n1", "n2", "n3", "n4"].map(tokenOf));
});

test("an order that was released since is answered, and not sold again", async () => {
  const { server } = await openSale();
  const scripts = new OrderScripts(server.client);
  await scripts.hold(asks);
  await scripts.cancel(["k1"]);
  const released = await scripts.recordOf("k1");
  expect(released).toStartWith("released");
  const before = await contents(server.client);
  const again = await scripts.hold([["k1", "ann", 2]]);
  expect(again.results).toEqual([released]);
  expect(await contents(server.client)).toEqual(before);
});

test("with a fence a replay writes, so that a wait after it covers it; without, not", async () => {
  const { server, scripts } = await openSale();
  await scripts.heartbeat();
  await scripts.hold(asks);
  const before = await contents(server.client);
  const plain = await countingChanges(server.client, () => scripts.hold(asks, { fence: 0 }));
  const fenced = await countingChanges(server.client, () => scripts.hold(asks, { fence: 1 }));
  expect([plain.made, fenced.made]).toEqual([0, 1]);
  await server.client.hdel(scripts.keys.stock, "fencedAtMs");
  expect(await contents(server.client)).toEqual(before);
});

test("a fence writes nothing where nothing is replayed", async () => {
  const { server, scripts } = await openSale(1);
  await scripts.heartbeat();
  const refuse = () => scripts.hold([["k1", "", 2]], { fence: 1 });
  const { value, made } = await countingChanges(server.client, refuse);
  expect({ results: value.results, made }).toEqual({ results: [fewerLeft], made: 0 });
});

test("a copy from an older connection is refused and writes nothing", async () => {
  const { server, scripts } = await openSale();
  await scripts.hold([["k0"]], { generation: 3 });
  const before = await contents(server.client);
  const late = () => scripts.hold(asks, { generation: 2, fence: 1 });
  const { value, made } = await countingChanges(server.client, late);
  expect(value).toMatchObject({ status: staleGeneration, results: [] });
  expect(made).toBe(0);
  expect(await contents(server.client)).toEqual(before);
  expect((await scripts.hold(asks, { generation: 3 })).status).toBe(0);
});

test("a batch whose tokens are of another sale's secret is refused, writes nothing and raises no fence", async () => {
  const { server, scripts } = await openSale();
  const before = await contents(server.client);
  const wrong = { secretId: "0123456789abcdef", generation: 9, fence: 1 } as const;
  const { value, made } = await countingChanges(server.client, () => scripts.hold(asks, wrong));
  expect(value).toMatchObject({ status: wrongSecret, results: [], left: 10 });
  expect(made).toBe(0);
  expect(await contents(server.client)).toEqual(before);
  expect((await scripts.hold(asks, { generation: 1 })).status).toBe(0);
});

test("a refused batch raises the fence too: its delayed copy must not sell", async () => {
  const { scripts } = await openSale(1);
  expect((await scripts.hold([["k1", "", 2]], { generation: 2 })).results).toEqual([fewerLeft]);
  await scripts.restock("more", 5);
  const late = await scripts.hold([["k1", "", 2]], { generation: 1 });
  expect(late.status).toBe(staleGeneration);
});

test("a heartbeat raises the fence, for its own node only", async () => {
  const { scripts } = await openSale();
  await scripts.heartbeat({ instance: "node1#a", generation: 5 });
  expect((await scripts.hold([["k1"]], { generation: 4 })).status).toBe(staleGeneration);
  const other = await scripts.hold([["k2"]], { instance: "node2#b", generation: 4 });
  expect(other.results).toEqual([1]);
});

test("the fence of a node without a heartbeat stands when others beat", async () => {
  const { scripts } = await openSale();
  await scripts.hold([["k0"]], { instance: "node1#a", generation: 2 });
  const usual = { livingMs: 600, forgetMs: 60_000 };
  await scripts.heartbeat({ instance: "node2#b", ...usual });
  const late = await scripts.hold([["k1"]], { instance: "node1#a", generation: 1 });
  expect(late.status).toBe(staleGeneration);
});

test("the fence of a node that fell silent stands from its first batch on its return", async () => {
  const { server, scripts } = await openSale();
  const usual = { livingMs: 600, forgetMs: 60_000 };
  const longAgoMs = (await scripts.nowMs()) - 3_600_000;
  await server.client.hset(nodesKey, "node1#a", `${longAgoMs} 1 1`);
  await scripts.hold([["k0"]], { instance: "node1#a", generation: 2 });
  await scripts.heartbeat({ instance: "node2#b", ...usual });
  const late = await scripts.hold([["k1"]], { instance: "node1#a", generation: 1 });
  expect(late.status).toBe(staleGeneration);
});

test("the fence of a node that left stands", async () => {
  const { scripts } = await openSale();
  await scripts.heartbeat({ generation: 2 });
  await scripts.heartbeat({ generation: 2, weight: 0 });
  expect((await scripts.hold([["k1"]], { generation: 1 })).status).toBe(staleGeneration);
});
