import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { calls } from "../ledger/support/contents.ts";
import { until } from "../support/until.ts";
import { Crowd } from "./support/crowd.ts";
import type { NodeProcess } from "./support/node-process.ts";
import { removeRigs, Rig } from "./support/rig.ts";
import { seedsOf } from "./support/seed.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

const [seed] = seedsOf("nodes", 1) as [number];

async function untilSold(rig: Rig, count: number): Promise<void> {
  await until(`${count} requests are sold`, () => rig.history.count("ok") >= count);
}

test("a node is killed in the middle of a sale: the others sell all of the stock", async () => {
  const rig = await Rig.start({ tickets: 600, nodes: 3 });
  const crowd = new Crowd(rig, seed);
  await untilSold(rig, 60);
  // The heaviest of the three, and with it half of everybody's share.
  await rig.node(3).kill();
  await crowd.stop();
  await rig.mustSellOut();
});

test("nodes without a buffer sell what a killed node's share was", async () => {
  const rig = await Rig.start({ tickets: 120, nodes: 3, node: { BUFFER: 0 } });
  await rig.crowd(30, (number) => rig.buy(rig.node((number % 3) + 1)));
  await rig.node(3).kill();
  await rig.mustSellOut();
});

test("all traffic goes to the lightest of four nodes: it sells all of the stock", async () => {
  const rig = await Rig.start({ tickets: 300, nodes: 4, node: { BUFFER: 1 } });
  await rig.crowd(300, () => rig.buy(rig.node(1)));
  expect(rig.history.count("ok")).toBe(300);
  await rig.mustSellOut();
});

test("a node that is asked to stop answers everything, says so to its balancer, exits 0", async () => {
  // Long enough for a balancer to notice, however busy the machine is.
  const rig = await Rig.start({ tickets: 5_000, nodes: 2, node: { DRAIN_MS: 2_000 } });
  const leaving = rig.node(1);
  let noticed = false;
  const nodes = () => (noticed ? [rig.node(2)] : rig.nodes);
  const crowd = new Crowd(rig, seed, { nodes });
  await untilSold(rig, 50);
  leaving.terminate();
  await leaving.untilReady(503);
  // Balancers go on for a while; the node still sells.
  expect(await rig.buy(leaving)).toMatchObject({ kind: "ok" });
  noticed = true;
  expect(await leaving.exited()).toBe(0);
  await crowd.stop();
  expect(rig.history.count("unknown")).toBe(0);
  expect(rig.history.count("fail", 0)).toBe(0);
  await leaving.kill();
  await rig.mustSellOut();
});

test("a node that cannot stop accepting drains all the same, and logs it", async () => {
  // Without it the engine has no foreign functions, and it takes one of them to stop accepting.
  const engine = { BUN_JSC_useJIT: "0" };
  const rig = await Rig.start({ tickets: 100, nodes: 2, engine });
  const leaving = rig.node(1);
  expect(await rig.buy(leaving)).toMatchObject({ kind: "ok" });
  leaving.terminate();
  expect(await leaving.exited()).toBe(0);
  expect(await leaving.log()).toContain("still accepted while draining");
  await leaving.kill();
  await rig.mustSellOut();
});

test("a request that waits for a ledger that hangs is answered before its node ends", async () => {
  const rig = await Rig.start({ tickets: 10, nodes: 2 });
  await rig.redis.pause();
  const waiting = rig.buy(rig.node(1), { key: "mine" });
  rig.node(1).terminate();
  expect(await waiting).toMatchObject({ kind: "unknown", why: "202" });
  expect(await rig.node(1).exited()).toBe(0);
  await rig.node(1).kill();
  rig.redis.resume();
  await rig.node(2).untilReady();
  await rig.mustSellOut();
});

test("more requests than may wait: busy at once, and those that waited are sold", async () => {
  const settings = {
    BATCH_MAX: 1,
    QUEUE_MAX: 5,
    REPLY_TIMEOUT_MS: 14_000,
    DEADLINE_MS: 15_000,
  };
  const rig = await Rig.start({ tickets: 100, node: settings });
  await rig.redis.pause();
  const answers = Array.from({ length: 30 }, () => rig.buy(rig.node(1)));
  // One is with Redis and five wait, or only five if all came in one turn of the node's loop.
  // Redis hangs, so whoever is answered now was not sent.
  await until("the others are told", () => rig.history.count("fail", 503) >= 24);
  rig.redis.resume();
  await Promise.all(answers);
  const sold = rig.history.count("ok");
  expect([5, 6]).toContain(sold);
  expect(rig.history.count("fail", 503)).toBe(30 - sold);
  await rig.mustSellOut();
});

/** Commands that a node calls for a sale, or for a request of one; HGETALL is a heartbeat's. */
async function commandsOf(rig: Rig): Promise<Record<"beats" | "scripts" | "readings", number>> {
  const { client } = rig.redis;
  const beats = await calls(client, "hgetall");
  return {
    beats,
    scripts: (await calls(client, "evalsha")) - beats,
    readings: await calls(client, "hmget"),
  };
}

test("a node with two hundred open sales asks for none of them while nothing happens", async () => {
  const rig = await Rig.start({ tickets: 10 });
  const node = rig.node(1);
  const create = async (id: string) => {
    const terms = { total: 10, limit: 0, holdMs: 3_600_000, opensAtMs: 0 };
    await rig.operations.create({ sale: id, ...terms });
    await rig.operations.setState(id, "open");
  };
  const show = async (id: string) => {
    const answer = await fetch(`${node.url}/sales/${id}`, { keepalive: false });
    return (await answer.json()) as { state?: string };
  };
  const ids = Array.from({ length: 200 }, (_, index) => `many-${index}`);
  for (const id of ids) {
    await create(id);
    expect(await show(id)).toMatchObject({ state: "open" });
  }
  const known = await commandsOf(rig);
  await until("two heartbeats", async () => (await commandsOf(rig)).beats >= known.beats + 2);
  const before = await commandsOf(rig);
  await until("ten heartbeats", async () => (await commandsOf(rig)).beats >= before.beats + 10);
  const { scripts, readings } = await commandsOf(rig);
  expect({ scripts, readings }).toEqual({ scripts: before.scripts, readings: before.readings });
  // And yet what is done to one of them is known within a heartbeat.
  await rig.operations.setState("many-7", "paused");
  const paused = await commandsOf(rig);
  await until("two heartbeats", async () => (await commandsOf(rig)).beats >= paused.beats + 2);
  expect(await buy(node, "many-7")).toBe(403);
  expect(await buy(node, "many-8")).toBe(201);
});

async function buy(node: NodeProcess, id: string): Promise<number> {
  const answer = await fetch(`${node.url}/sales/${id}/orders`, {
    method: "POST",
    keepalive: false,
  });
  await answer.text();
  return answer.status;
}
