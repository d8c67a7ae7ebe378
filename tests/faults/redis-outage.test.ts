import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { freePort } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { Crowd } from "./support/crowd.ts";
import { removeRigs, Rig } from "./support/rig.ts";
import { seedsOf } from "./support/seed.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

const [seed] = seedsOf("redis-outage", 1) as [number];
const durable = { appendonly: "yes", appendfsync: "always" } as const;

/** Waits until so many more requests were answered: the crowd has seen what there is to see. */
async function untilAnswered(rig: Rig, more: number): Promise<void> {
  const enough = rig.history.operations.length + more;
  await until(`${more} more requests are answered`, () => rig.history.operations.length >= enough);
}

/** What clients were told while something was wrong: nobody may be told "sold out". */
function noneSoldOut(rig: Rig): void {
  expect(rig.history.count("fail", 410)).toBe(0);
}

test("a node that is started before Redis sells as soon as Redis is there", async () => {
  const rig = await Rig.startRedis({});
  await rig.redis.stop();
  const node = await rig.addNode({});
  await node.untilReady(503);
  expect(await rig.buy(node)).toMatchObject({ kind: "fail", status: 503 });
  await rig.redis.restart();
  await rig.openSale(30);
  await node.untilReady();
  await rig.mustSellOut();
  expect(rig.history.count("fail", 503)).toBeGreaterThan(0);
});

test("Redis is killed in the middle of a sale, and comes back with its append-only file", async () => {
  const options = { tickets: 2_000, nodes: 2, redis: durable, node: { DURABILITY: "primary" } };
  const rig = await Rig.start(options);
  const crowd = new Crowd(rig, seed);
  await untilAnswered(rig, 100);
  await rig.redis.kill();
  await untilAnswered(rig, 50);
  noneSoldOut(rig);
  await rig.redis.restart();
  await Promise.all(rig.nodes.map((node) => node.untilReady()));
  await untilAnswered(rig, 50);
  await crowd.stop();
  await rig.mustSellOut();
});

test("Redis hangs for longer than every deadline: nobody is told sold out, nothing is lost", async () => {
  const rig = await Rig.start({ tickets: 2_000, nodes: 2 });
  const crowd = new Crowd(rig, seed);
  await untilAnswered(rig, 100);
  await rig.redis.pause();
  await until("requests are undecided", () => rig.history.count("unknown") > 0);
  await Promise.all(rig.nodes.map((node) => node.untilReady(503)));
  const refusedBefore = rig.history.count("fail", 503);
  await until("requests are refused", () => rig.history.count("fail", 503) > refusedBefore + 20);
  noneSoldOut(rig);
  rig.redis.resume();
  await Promise.all(rig.nodes.map((node) => node.untilReady()));
  await untilAnswered(rig, 50);
  await crowd.stop();
  await rig.mustSellOut();
});

test("Redis is out of memory: 503, and sales go on when there is memory again", async () => {
  const rig = await Rig.start({ tickets: 2_000, nodes: 2 });
  const crowd = new Crowd(rig, seed);
  await untilAnswered(rig, 50);
  await rig.redis.client.config("SET", "maxmemory", "1");
  await Promise.all(rig.nodes.map((node) => node.untilReady(503)));
  for (const node of rig.nodes) {
    expect(await rig.buy(node)).toMatchObject({ kind: "fail", status: 503 });
  }
  await untilAnswered(rig, 50);
  noneSoldOut(rig);
  await rig.redis.client.config("SET", "maxmemory", "0");
  await Promise.all(rig.nodes.map((node) => node.untilReady()));
  await crowd.stop();
  await rig.mustSellOut();
});

test("the answer to a handshake is lost: the node gives that connection up and makes another", async () => {
  const rig = await Rig.start({ tickets: 50, proxies: true });
  const proxy = rig.proxy();
  proxy.choose = ({ connection, script }) =>
    connection === 2 && script === null ? { kind: "loseReply" } : { kind: "pass" };
  proxy.cutAll();
  await until("there is a third connection", () => proxy.connections >= 3);
  await rig.node(1).untilReady();
  expect(proxy.faults("loseReply")).toBeGreaterThan(0);
  await rig.mustSellOut();
});

test("Redis becomes read-only: 503, and sales go on when it is a primary again", async () => {
  const rig = await Rig.start({ tickets: 2_000, nodes: 2 });
  const crowd = new Crowd(rig, seed);
  await untilAnswered(rig, 50);
  await rig.redis.client.replicaof("127.0.0.1", freePort());
  await Promise.all(rig.nodes.map((node) => node.untilReady(503)));
  for (const node of rig.nodes) {
    expect(await rig.buy(node)).toMatchObject({ kind: "fail", status: 503 });
  }
  await untilAnswered(rig, 50);
  noneSoldOut(rig);
  await rig.redis.client.replicaof("NO", "ONE");
  await Promise.all(rig.nodes.map((node) => node.untilReady()));
  await crowd.stop();
  await rig.mustSellOut();
});

test("Redis loads its data: 503 until it has, then sales go on", async () => {
  // The delay is a tenth of a millisecond for each command of the append-only file.
  const rig = await Rig.start({ tickets: 100, redis: { ...durable, "key-load-delay": 100 } });
  const node = rig.node(1);
  expect(await rig.buy(node, { key: "mine" })).toMatchObject({ kind: "ok" });
  for (let i = 0; i < 5; i += 1) {
    const source = "for n = 1, 3000 do redis.call('SET', ARGV[1] .. n, n) end";
    await rig.redis.client.eval(source, 0, `ballast:${i}:`);
  }
  await rig.redis.kill();
  await rig.redis.restart("listening");
  expect(await rig.redis.client.info("persistence")).toMatch(/^loading:1/m);
  expect(await rig.buy(node)).toMatchObject({ kind: "fail", status: 503 });
  await node.untilReady();
  expect(await rig.buy(node, { key: "mine" })).toMatchObject({ kind: "ok", serial: 1 });
  await rig.mustSellOut();
});

test("Redis forgets its scripts in the middle of a sale: nobody notices", async () => {
  const rig = await Rig.start({ tickets: 2_000, nodes: 2 });
  const crowd = new Crowd(rig, seed);
  for (let i = 0; i < 10; i += 1) {
    await untilAnswered(rig, 20);
    await rig.redis.client.script("FLUSH");
  }
  await crowd.stop();
  expect(rig.history.count("unknown")).toBe(0);
  expect(rig.history.count("fail", 503)).toBe(0);
  await rig.mustSellOut();
});

test("Redis is slow, but answers in time: all that is asked for is sold", async () => {
  const rig = await Rig.start({ tickets: 200, nodes: 2, proxies: true });
  for (const proxy of rig.proxies) {
    proxy.choose = () => ({ kind: "delay", requestMs: 20, replyMs: 20 });
  }
  await rig.crowd(60, (number) => rig.buy(rig.node((number % 2) + 1)));
  expect(rig.history.count("ok")).toBe(60);
  await rig.mustSellOut();
});

test("Redis is slower than every deadline for a while: late copies sell nothing twice", async () => {
  const rig = await Rig.start({ tickets: 2_000, nodes: 2, proxies: true });
  const crowd = new Crowd(rig, seed);
  await untilAnswered(rig, 50);
  for (const proxy of rig.proxies) {
    proxy.choose = ({ script }) =>
      script === "hold" ? { kind: "holdBack", releaseMs: 1_000 } : { kind: "pass" };
  }
  await until("copies are late", () =>
    rig.proxies.every((proxy) => proxy.answered("holdBack") >= 2),
  );
  noneSoldOut(rig);
  for (const proxy of rig.proxies) {
    proxy.choose = () => ({ kind: "pass" });
  }
  await crowd.stop();
  await rig.mustSellOut();
});

for (const soldOut of [false, true]) {
  const when = soldOut ? "after the last ticket" : "in the middle of a sale";
  test(`the ledger is emptied ${when}: 404, and a new sale of that name is sold`, async () => {
    const rig = await Rig.start({ tickets: 50 });
    const node = rig.node(1);
    if (soldOut) {
      await rig.sellTheRest();
    }
    await rig.redis.client.flushall();
    await until("the sale is unknown", async () => {
      const completion = await rig.buy(node);
      return completion.kind === "fail" && completion.status === 404;
    });
    // What was sold before is gone with its ledger: from here on it is another history.
    rig.history.operations.length = 0;
    await rig.openSale(50);
    await until("the new sale sells", async () => (await rig.buy(node)).kind === "ok");
    await rig.mustSellOut();
  });
}

test("the ledger is emptied and refilled between two heartbeats of a sold-out node", async () => {
  const rig = await Rig.start({ tickets: 20, node: { HEARTBEAT_MS: 1_000 } });
  await rig.sellTheRest();
  await rig.redis.client.flushall();
  rig.history.operations.length = 0;
  await rig.openSale(20);
  await until("the new sale sells", async () => (await rig.buy(rig.node(1))).kind === "ok");
  await rig.mustSellOut();
});
