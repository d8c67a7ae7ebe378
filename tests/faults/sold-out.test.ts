import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { until } from "../support/until.ts";
import type { NodeProcess } from "./support/node-process.ts";
import { removeRigs, Rig, sale } from "./support/rig.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

const soldOut = { kind: "fail", status: 410 } as const;

/** Waits until the node's own heartbeat has told it that nothing is left. */
async function untilSeenSoldOut(node: NodeProcess): Promise<void> {
  await until(`${node.name} has seen that nothing is left`, async () => {
    const response = await fetch(`${node.url}/sales/${sale}`, { keepalive: false });
    const { left } = (await response.json()) as { left?: number };
    return left === 0;
  });
}

/** HGET is what hold.lua calls and a heartbeat does not: the server's own count of holds. */
async function hgetCalls(rig: Rig): Promise<number> {
  const info = await rig.redis.client.info("commandstats");
  return Number(/^cmdstat_hget:calls=(\d+)/m.exec(info)?.[1] ?? 0);
}

/** Waits until a key that was never sold costs the node no call: it has read the sold keys. */
async function untilKeysAreRead(rig: Rig, number: number): Promise<void> {
  const node = rig.node(number);
  const lookups = async () => {
    const metrics = await (await fetch(`${node.url}/metrics`, { keepalive: false })).text();
    const count = /^sluice_ledger_round_trip_seconds_count\{.*script="lookup".*\} (\d+)/m;
    return Number(count.exec(metrics)?.[1] ?? 0);
  };
  let tries = 0;
  await until(`${node.name} has read the sold keys`, async () => {
    tries += 1;
    const before = await lookups();
    expect(await rig.buy(node, { key: `probe-${tries}` })).toMatchObject(soldOut);
    return (await lookups()) === before;
  });
}

test("after the last ticket nobody without a key costs a call to Redis", async () => {
  const rig = await Rig.start({ tickets: 20, nodes: 2, proxies: true });
  await rig.crowd(10, (number) => rig.buy(rig.node((number % 2) + 1)));
  await rig.sellTheRest();
  await Promise.all(rig.nodes.map(untilSeenSoldOut));
  const holds = () => rig.proxies.map((proxy) => proxy.scriptCalls("hold"));
  const [before, hgetsBefore] = [holds(), await hgetCalls(rig)];
  expect(Math.min(...before)).toBeGreaterThan(0);
  expect(hgetsBefore).toBeGreaterThan(0);
  await rig.crowd(400, async (number) => {
    expect(await rig.buy(rig.node((number % 2) + 1))).toMatchObject(soldOut);
  });
  expect(holds()).toEqual(before);
  expect(await hgetCalls(rig)).toBe(hgetsBefore);
  await rig.mustBalance();
});

test("after the last ticket a key that was never sold soon costs no call either", async () => {
  const rig = await Rig.start({ tickets: 20, proxies: true });
  await rig.sellTheRest();
  const [node, proxy] = [rig.node(1), rig.proxy()];
  const lookups = () => proxy.scriptCalls("lookup");
  let number = 0;
  const buyWithNewKey = async () => {
    number += 1;
    expect(await rig.buy(node, { key: `new-${number}` })).toMatchObject(soldOut);
  };
  await until("the node has read the sold keys", async () => {
    const before = lookups();
    await buyWithNewKey();
    return lookups() === before;
  });
  const [holdsBefore, lookupsBefore] = [proxy.scriptCalls("hold"), lookups()];
  await rig.crowd(200, buyWithNewKey);
  expect(proxy.scriptCalls("hold")).toBe(holdsBefore);
  expect(lookups()).toBe(lookupsBefore);
  await rig.mustBalance();
});

test("a key gets its own order from a node that is sold out and did not sell it", async () => {
  const rig = await Rig.start({ tickets: 20, nodes: 2 });
  const sold = await rig.buy(rig.node(1), { key: "mine", quantity: 2 });
  expect(sold.kind).toBe("ok");
  await rig.sellTheRest();
  expect(await rig.buy(rig.node(2), { key: "mine", quantity: 2 })).toEqual(sold);
  await untilSeenSoldOut(rig.node(2));
  for (let i = 0; i < 20; i += 1) {
    expect(await rig.buy(rig.node(2), { key: "mine", quantity: 2 })).toEqual(sold);
    expect(await rig.buy(rig.node(2), { key: `other-${i}` })).toMatchObject(soldOut);
  }
  await rig.mustBalance();
});

test("a key that another node sold after a restock is not answered from what was read before", async () => {
  const rig = await Rig.start({ tickets: 20, nodes: 2, node: { HEARTBEAT_MS: 500 } });
  await rig.sellTheRest();
  await Promise.all(rig.nodes.map(untilSeenSoldOut));
  await untilKeysAreRead(rig, 2);
  // Both fit between two heartbeats, so that node 2 never sees a ticket left.
  await rig.operations.restock(sale, 1);
  const sold = await rig.sellAsAnotherNode("late");
  await until("node 2 knows of it", async () => {
    const completion = await rig.buy(rig.node(2), { key: "late" });
    return completion.kind === "ok" && completion.order === sold.order;
  });
  await rig.mustSellOut({ restocked: true });
});

test("a restock after the last ticket opens the latch of every node", async () => {
  const rig = await Rig.start({ tickets: 20, nodes: 3 });
  await rig.sellTheRest();
  await Promise.all(rig.nodes.map(untilSeenSoldOut));
  for (const node of rig.nodes) {
    expect(await rig.buy(node, { key: "before" })).toMatchObject(soldOut);
  }
  await rig.operations.restock(sale, 60);
  for (const node of rig.nodes) {
    await until(`${node.name} sells again`, async () => (await rig.buy(node)).kind === "ok");
  }
  // A key that was refused before is not remembered as sold out.
  expect(await rig.buy(rig.node(2), { key: "before" })).toMatchObject({ kind: "ok" });
  await rig.mustSellOut({ restocked: true });
});

test("restocked again and again while it is sold out again and again: all of it is sold", async () => {
  const rig = await Rig.start({ tickets: 10, nodes: 2 });
  for (let i = 0; i < 5; i += 1) {
    await rig.sellTheRest();
    await rig.operations.restock(sale, 10);
    await until("it sells again", async () => (await rig.buy(rig.node(1))).kind === "ok");
  }
  const books = await rig.mustSellOut({ restocked: true });
  expect(books.held).toBe(60);
});
