import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import { Redis } from "ioredis";

import { scripts } from "../../src/ledger/scripts.ts";
import { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { FaultProxy, scriptOf } from "./support/fault-proxy.ts";
import type { Fault } from "./support/fault.ts";

setDefaultTimeout(30_000);

let server: RedisServer;
let proxy: FaultProxy;
const clients: Redis[] = [];

beforeEach(async () => {
  server = await RedisServer.start();
  proxy = await FaultProxy.start(server.port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) {
    client.disconnect();
  }
  await proxy.close();
  await server.remove();
});

async function connected(): Promise<Redis> {
  const client = new Redis(proxy.url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 500,
  });
  client.on("error", () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

/** The first INCR suffers this. */
function incrementSuffers(fault: Fault): void {
  let done = false;
  proxy.choose = ({ words }) => {
    if (done || words[0]?.toLowerCase() !== "incr") {
      return { kind: "pass" };
    }
    done = true;
    return fault;
  };
}

const count = async () => Number((await server.client.get("count")) ?? 0);
const settled = (promise: Promise<unknown>) =>
  promise.then(
    () => "answered",
    () => "rejected",
  );

test("passes what it is not told to disturb, pipelines and large values included", async () => {
  const client = await connected();
  const value = "x\r\n".repeat(100_000);
  const replies = await Promise.all([
    client.set("large", value),
    client.get("large"),
    client.hset("hash", { a: 1, b: 2 }),
    client.hgetall("hash"),
    client.get("nothing"),
    client.eval("return {1, {'two', false}}", 0),
  ]);
  expect(replies).toEqual(["OK", value, 2, { a: "1", b: "2" }, null, [1, ["two", null]]]);
});

test("names the script that a command calls", () => {
  expect(scriptOf(["evalsha", scripts.hold.sha1, "7"])).toBe("hold");
  expect(scriptOf(["EVALSHA", scripts.heartbeat.sha1])).toBe("heartbeat");
  expect(scriptOf(["EVALSHA", "0".repeat(40)])).toBeNull();
  expect(scriptOf(["incr", "count"])).toBeNull();
});

for (const kind of ["truncateReply", "cutAfter"] as const) {
  test(`${kind}: the command is executed, its sender learns only that the line broke`, async () => {
    const client = await connected();
    incrementSuffers({ kind });
    expect(await settled(client.incr("count"))).toBe("rejected");
    expect(await count()).toBe(1);
  });
}

test("cutBefore: the command is not executed and the line breaks", async () => {
  const client = await connected();
  incrementSuffers({ kind: "cutBefore" });
  expect(await settled(client.incr("count"))).toBe("rejected");
  expect(await count()).toBe(0);
});

test("loseReply: the command is executed, neither its answer nor a later one comes", async () => {
  const client = await connected();
  incrementSuffers({ kind: "loseReply" });
  const [first, second] = [settled(client.incr("count")), settled(client.incr("count"))];
  await until("both are executed", async () => (await count()) === 2);
  client.disconnect();
  expect(await Promise.all([first, second])).toEqual(["rejected", "rejected"]);
});

test("delay: what is late comes, and nothing overtakes it", async () => {
  const client = await connected();
  incrementSuffers({ kind: "delay", requestMs: 30, replyMs: 30 });
  const replies = await Promise.all([client.incr("count"), client.incr("count"), client.ping()]);
  expect(replies).toEqual([1, 2, "PONG"]);
});

test("holdBack: a copy arrives after its sender has closed and come back", async () => {
  const first = await connected();
  incrementSuffers({ kind: "holdBack", releaseMs: null });
  const lost = settled(first.incr("count"));
  await until("the copy is held back", () => proxy.heldBack === 1);
  first.disconnect();
  expect(await lost).toBe("rejected");

  const second = await connected();
  expect(await second.incr("count")).toBe(1);
  proxy.deliverHeldBack();
  await until("the copy is executed", async () => (await count()) === 2);
  expect(proxy.answered("holdBack")).toBe(1);
});

test("holdBack with a time: it arrives by itself", async () => {
  const client = await connected();
  incrementSuffers({ kind: "holdBack", releaseMs: 30 });
  expect(await client.incr("count")).toBe(1);
});

test("stopAccepting: new connections are refused, old ones go on, until it accepts again", async () => {
  const client = await connected();
  await proxy.stopAccepting();
  expect(await settled(connected())).toBe("rejected");
  expect(await client.incr("count")).toBe(1);
  await proxy.accept();
  expect(await (await connected()).incr("count")).toBe(2);
});

test("blackHole: connections stay open and nothing gets through, until it heals", async () => {
  const client = await connected();
  proxy.blackHole();
  const lost = settled(client.incr("count"));
  const newcomer = settled(connected());
  await until("the newcomer is accepted", () => proxy.connections === 2);
  expect(await count()).toBe(0);
  await until("both have sent something", () => proxy.swallowing === 2);
  proxy.heal();
  expect(await Promise.all([lost, newcomer])).toEqual(["rejected", "rejected"]);
  expect(await count()).toBe(0);
  expect(await (await connected()).incr("count")).toBe(1);
});
