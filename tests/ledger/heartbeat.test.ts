import { expect, test } from "bun:test";

import { changedKey, nodesKey } from "../../src/ledger/keys.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { OrderScripts } from "../orders/support/order-scripts.ts";
import { contents } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";

const ledger = oneServer();
const staleGeneration = String(scriptStatus.staleGeneration);

/** livingWeight and livingNodes, the last two items of the reply. */
async function living(...beat: Parameters<typeof ledger.scripts.heartbeat>): Promise<number[]> {
  return (await ledger.scripts.heartbeat(...beat)).slice(-2).map(Number);
}

/** Puts a node into the ledger that beat so long ago. */
async function beatAgo(instance: string, agoMs: number, weight: number): Promise<void> {
  const { server, scripts } = ledger;
  const beatMs = (await scripts.nowMs()) - agoMs;
  await server.client.hset(nodesKey, instance, `${beatMs} ${weight} 1 source`);
}

test("a node learns the weight of all that live, itself included, whatever they sell", async () => {
  const { server, scripts } = ledger;
  expect(await living({ instance: "a", weight: 1 })).toEqual([1, 1]);
  expect(await living({ instance: "b", weight: 2 })).toEqual([3, 2]);
  expect(await living({ instance: "c", weight: 1000, release: "0.2.0+a1" })).toEqual([1003, 3]);
  const beforeMs = await scripts.nowMs();
  const beat = await scripts.heartbeat({ instance: "a", weight: 4, generation: 7 });
  expect(beat).toEqual(["0", expect.any(String), "0", "1006", "3"]);
  const nowMs = Number(beat[1]);
  expect(nowMs).toBeGreaterThanOrEqual(beforeMs);
  expect(nowMs).toBeLessThanOrEqual(await scripts.nowMs());
  const [its, others] = await server.client.hmget(nodesKey, "a", "c");
  expect(its).toBe(`${nowMs} 4 7 source`);
  expect(others).toMatch(/^\d+ 1000 1 0\.2\.0\+a1$/);
});

test("a silent node stops counting, and is forgotten much later", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await beatAgo("lives", 500, 2);
  await beatAgo("silent", 5_000, 4);
  await beatAgo("gone", 500_000, 8);
  const beat = { instance: "a", weight: 1, livingMs: 2_000, forgetMs: 60_000 };
  expect(await living(beat)).toEqual([3, 2]);
  expect((await server.client.hkeys(nodesKey)).sort()).toEqual(["a", "lives", "silent"]);
});

test("a node that comes back counts at once", async () => {
  const { scripts } = ledger;
  await scripts.create();
  await beatAgo("a", 500_000, 8);
  expect(await living({ instance: "a", weight: 8, livingMs: 2_000 })).toEqual([8, 1]);
});

test("a node that leaves counts no more", async () => {
  const { scripts } = ledger;
  await scripts.create();
  await living({ instance: "a", weight: 1 });
  await living({ instance: "b", weight: 2 });
  expect(await living({ instance: "b", weight: 0 })).toEqual([1, 1]);
  expect(await living({ instance: "a", weight: 1 })).toEqual([1, 1]);
});

test("a node that only sells does not count before it has said its weight", async () => {
  const { scripts } = ledger;
  await scripts.create();
  await scripts.setState("open");
  await scripts.hold([["k1"]], { instance: "b", generation: 1 });
  expect(await living({ instance: "a", weight: 1 })).toEqual([1, 1]);
  expect(await living({ instance: "b", weight: 2 })).toEqual([3, 2]);
});

test("a batch on a newer connection keeps what its node has said of itself", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await scripts.setState("open");
  await scripts.heartbeat({ instance: "a", weight: 3, generation: 1 });
  await scripts.hold([["k1"]], { instance: "a", generation: 2 });
  expect(await server.client.hget(nodesKey, "a")).toMatch(/^\d+ 3 2 source$/);
  expect(await living({ instance: "b", weight: 1 })).toEqual([4, 2]);
});

test("a heartbeat from an older connection changes nothing", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await scripts.heartbeat({ weight: 5, generation: 2 });
  const before = await contents(server.client);
  expect((await scripts.heartbeat({ weight: 1, generation: 1 }))[0]).toBe(staleGeneration);
  expect((await scripts.heartbeat({ weight: 0, generation: 1 }))[0]).toBe(staleGeneration);
  expect(await contents(server.client)).toEqual(before);
});

/** What heartbeats report of changes. */
async function changed(): Promise<number> {
  return Number((await ledger.scripts.heartbeat())[2]);
}

test("a heartbeat tells that a sale was created, opened, paused, closed or restocked, once each", async () => {
  const { server, scripts } = ledger;
  expect(await changed()).toBe(0);
  const changes = {
    create: () => scripts.create(),
    open: () => scripts.setState("open"),
    pause: () => scripts.setState("paused"),
    restock: () => scripts.restock("more", 5),
    close: () => scripts.setState("closed"),
  };
  for (const [name, change] of Object.entries(changes)) {
    const before = await changed();
    await change();
    const after = await changed();
    expect([name, after > before]).toEqual([name, true]);
    // Refused, or done before.
    await change();
    expect([name, await changed()]).toEqual([name, after]);
  }
  // It begins at the time: a ledger that was emptied never comes back to a number of before.
  const last = await changed();
  await server.client.flushall();
  expect(await changed()).toBe(0);
  await scripts.create();
  await scripts.setState("open");
  expect(await changed()).toBeGreaterThan(last);
});

test("a heartbeat tells that stock came back from nothing, and of no sale, payment or refund else", async () => {
  const { server } = ledger;
  const sale = new OrderScripts(server.client);
  await sale.open(2);
  const opened = await changed();
  await sale.hold([["k-1"]]);
  await sale.cancel(["k-1"]);
  await sale.hold([["k-2"], ["k-3"]]);
  expect((await sale.hold([["k-4"]])).results).toEqual([scriptStatus.soldOut]);
  await sale.confirm(["k-2"]);
  expect(await changed()).toBe(opened);
  await sale.cancel(["k-3"]);
  expect(await changed()).toBe(opened + 1);
  await sale.setHoldMs(0);
  await sale.hold([["k-5"]]);
  expect(await changed()).toBe(opened + 1);
  expect(await sale.lapse()).toMatchObject({ released: 1 });
  expect(await changed()).toBe(opened + 2);
  expect(await server.client.get(changedKey)).toBe(String(opened + 2));
});
