import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";

import { RedisServer } from "../support/redis-server.ts";

setDefaultTimeout(60_000);

const servers: RedisServer[] = [];

async function started(...options: Parameters<typeof RedisServer.start>): Promise<RedisServer> {
  const server = await RedisServer.start(...options);
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    await server.remove();
  }
});

describe("the redis-server of the tests", () => {
  test("keeps what an append-only file keeps over SIGKILL", async () => {
    const server = await started({ settings: { appendonly: "yes", appendfsync: "always" } });
    await server.client.set("kept", "yes");
    const before = server.pid;
    await server.kill();
    await server.restart();
    expect(server.pid).not.toBe(before);
    expect(await server.client.get("kept")).toBe("yes");
  });

  test("forgets over SIGKILL what it was not told to keep", async () => {
    const server = await started();
    await server.client.set("kept", "no");
    await server.kill();
    await server.restart();
    expect(await server.client.get("kept")).toBeNull();
  });

  test("does not answer while it is paused, and executes what was sent when resumed", async () => {
    const server = await started();
    await server.client.ping();
    server.pause();
    let answered = false;
    const reply = server.client.incr("counter").then((value) => {
      answered = true;
      return value;
    });
    expect(answered).toBe(false);
    server.resume();
    expect(await reply).toBe(1);
  });

  test("replicates to a second server", async () => {
    const primary = await started();
    const replica = await started({ replicaOf: primary });
    await primary.client.set("shared", "yes");
    await primary.untilReplicated();
    expect(await replica.client.get("shared")).toBe("yes");
  });

  test("says what the log says when it does not start", async () => {
    const settings = { appendfsync: "sometimes" };
    const failure = RedisServer.start({ settings }).then(String, String);
    expect(await failure).toContain("redis-server did not start");
    expect(await failure).toContain("'appendfsync sometimes'");
  });

  test("leaves no process and no folder behind", async () => {
    const server = await RedisServer.start();
    const { pid, folder } = server;
    await server.remove();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });
});
