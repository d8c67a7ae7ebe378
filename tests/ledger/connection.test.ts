import { afterEach, expect, test } from "bun:test";

import { connect } from "../../src/ledger/connect.ts";
import { wrongFormat } from "../../src/ledger/format.ts";
import { formatKey, ledgerFormat, salesKey } from "../../src/ledger/keys.ts";
import { RedisServer, type RedisServerOptions } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { contents } from "./support/contents.ts";
import { closeRigs, cutRigs, rigClients, rigged } from "./support/ledger-rig.ts";
import { SaleScripts } from "./support/sale-scripts.ts";

closeRigs();
const servers: RedisServer[] = [];

async function started(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    await server.remove();
  }
});

async function openSale(server: RedisServer): Promise<SaleScripts> {
  const scripts = new SaleScripts(server.client);
  await scripts.create();
  await scripts.setState("open");
  return scripts;
}

test("a server that is missing at the start is found when it comes up", async () => {
  const server = await started();
  await server.kill();
  const rig = await rigged({ url: server.url }, false);
  await until("an attempt has failed", () => rig.faults.length > 2);
  expect(rig.ledger.ready).toBe(false);
  expect(await rig.buy("k1")).toMatchObject({ kind: "notSent" });
  expect(await rig.ledger.soldOrders("tickets", 10)).toMatchObject({ kind: "notSent" });
  await server.restart();
  await rig.untilReady();
  await openSale(server);
  expect(await rig.buy("k1")).toMatchObject({ kind: "ok", value: { left: 9 } });
});

test("a connection that is cut is made anew, with a higher generation, and told of", async () => {
  const server = await started();
  const rig = await rigged({ url: server.url });
  const first = rig.generation;
  await cutRigs(server.client);
  const second = await rig.untilReady(first);
  expect(second).toBeGreaterThan(first);
  expect(rig.changes).toEqual([true, false, true]);
  expect(rig.faults).toContain("the connection to Redis was lost");
});

test("however often it is cut, one client is left at the server, and none after closing", async () => {
  const server = await started();
  const rig = await rigged({ url: server.url });
  for (let cut = 1; cut <= 20; cut += 1) {
    const { generation } = rig;
    await cutRigs(server.client);
    await rig.untilReady(generation);
  }
  const single = async () => (await rigClients(server.client)).length === 1;
  await until("one connection is left", single);
  await rig.ledger.close();
  expect(rig.ledger.ready).toBe(false);
  const none = async () => (await rigClients(server.client)).length === 0;
  await until("no connection is left", none);
  expect(await rig.buy("k1")).toMatchObject({ kind: "notSent" });
});

test("a server that is loading its data is not ready, and is once it has loaded", async () => {
  const settings = { "key-load-delay": 20_000, "loading-process-events-interval-bytes": 1024 };
  const server = await started({ settings });
  await openSale(server);
  const filler = Array.from({ length: 60 }, (_, i) => [`filler${i}`, "x".repeat(1_100)]).flat();
  await server.client.mset(...filler);
  await server.client.config("SET", "rdbcompression", "no");
  await server.client.save();
  await server.kill();
  await server.restart("listening");
  const info = async () => server.client.info("persistence");
  expect(await info()).toContain("loading:1");
  const rig = await rigged({ url: server.url }, false);
  expect(await rig.buy("k1")).toMatchObject({ kind: "notSent" });
  await rig.untilReady();
  expect(await info()).toContain("loading:0");
  expect(await rig.buy("k1")).toMatchObject({ kind: "ok", value: { left: 9 } });
});

test("a server that does not become ready in time is given up and tried again", async () => {
  const server = await started();
  server.pause();
  const rig = await rigged({ url: server.url, readyTimeoutMs: 50 }, false);
  await until("two connections were given up", () => {
    const given = rig.faults.filter((fault) => fault.includes("did not become ready"));
    return given.length >= 2;
  });
  expect(rig.ledger.ready).toBe(false);
  server.resume();
  await rig.untilReady();
  const single = async () => (await rigClients(server.client)).length === 1;
  await until("one connection is left", single);
});

test("a client for one purpose is ready within a bound, or the reason is named", async () => {
  const server = await started();
  const { url } = server;
  const bounds = { name: "sluice-test", connectTimeoutMs: 1_000, readyTimeoutMs: 50 };
  const client = await connect({ url, ...bounds, readyTimeoutMs: 5_000 });
  expect(await client.ping()).toBe("PONG");
  client.disconnect();
  server.pause();
  const hanging = connect({ url, ...bounds });
  await expect(hanging).rejects.toThrow("accepted the connection but did not become ready");
  server.resume();
  await server.kill();
  await expect(connect({ url, ...bounds })).rejects.toThrow("ECONNREFUSED");
});

test("it says who it is, chooses the database and gives the password of the URL", async () => {
  const server = await started({ settings: { requirepass: "a-secret" } });
  const refused = await rigged({ url: `redis://127.0.0.1:${server.port}` }, false);
  await until("it was refused", () => refused.faults.some((fault) => fault.includes("NOAUTH")));
  expect(refused.ledger.ready).toBe(false);
  const rig = await rigged({ url: server.url.replace(/0$/, "3") });
  await rig.connection.live?.client.set("where", "here");
  await server.client.select(3);
  expect(await server.client.get("where")).toBe("here");
  expect(await rigClients(server.client)).not.toBeEmpty();
});

const older: (server: RedisServer) => Promise<unknown> = ({ client }) =>
  client.sadd(salesKey, "of a release before forms had numbers");
const later: (server: RedisServer) => Promise<unknown> = ({ client }) => client.set(formatKey, "2");

test.each([
  ["an older form", older],
  ["a later form", later],
])("a ledger of %s is not touched, and the reason is named", async (_, fill) => {
  const server = await started();
  await fill(server);
  const before = await contents(server.client);
  const rig = await rigged({ url: server.url }, false);
  await until("it was tried more than once", () => rig.faults.length > 2);
  expect(new Set(rig.faults)).toEqual(new Set([wrongFormat]));
  expect(rig.ledger.ready).toBe(false);
  expect(rig.changes).toEqual([]);
  expect(await rig.buy("k1")).toMatchObject({ kind: "notSent" });
  const bounds = { name: "sluice-test", connectTimeoutMs: 1_000, readyTimeoutMs: 5_000 };
  await expect(connect({ url: server.url, ...bounds })).rejects.toThrow(wrongFormat);
  expect(await contents(server.client)).toEqual(before);
  const single = async () => (await rigClients(server.client)).length <= 1;
  await until("no more than one connection is left", single);
});

test("a ledger that becomes of our form is used, and one that was emptied as well", async () => {
  const server = await started();
  await later(server);
  const rig = await rigged({ url: server.url }, false);
  await until("it was refused", () => rig.faults.includes(wrongFormat));
  await server.client.set(formatKey, ledgerFormat);
  await openSale(server);
  await rig.untilReady();
  expect(await rig.buy("k1")).toMatchObject({ kind: "ok", value: { left: 9 } });
  const first = rig.generation;
  await server.client.flushall();
  await cutRigs(server.client);
  await rig.untilReady(first);
  expect(await rig.buy("k1")).toEqual({ kind: "ok", value: null });
});

test("a ledger whose form changes while we are connected is left at the next connection", async () => {
  const server = await started();
  await openSale(server);
  const rig = await rigged({ url: server.url });
  await later(server);
  await cutRigs(server.client);
  await until("it is refused", () => rig.faults.includes(wrongFormat));
  expect(rig.ledger.ready).toBe(false);
  expect(rig.changes).toEqual([true, false]);
});
