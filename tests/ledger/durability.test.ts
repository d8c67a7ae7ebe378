import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import type { Durability } from "../../src/ledger/ledger.ts";
import { RedisServer, redisVersion } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { calls } from "./support/contents.ts";
import { closeRigs, cutRigs, type LedgerRig, rigged } from "./support/ledger-rig.ts";
import { SaleScripts } from "./support/sale-scripts.ts";

closeRigs();

const [major, minor] = redisVersion();
const hasWaitAof = major > 7 || (major === 7 && minor >= 2);
const version = `Redis ${major}.${minor}`;

const servers: RedisServer[] = [];
let primary: RedisServer;
let replica: RedisServer;

/** What durability asks of a server that has no WAITAOF; on others it is allowed as well. */
const always = { appendonly: "yes", appendfsync: "always" };

beforeAll(async () => {
  primary = await RedisServer.start({ settings: always });
  servers.push(primary);
  replica = await RedisServer.start({ settings: always, replicaOf: primary });
  servers.push(replica);
});
afterAll(async () => {
  for (const server of servers.splice(0)) {
    await server.remove();
  }
});
beforeEach(async () => {
  await primary.client.flushall();
  await primary.client.config("SET", "appendfsync", "always");
  await keepFile(primary);
  await keepFile(replica);
  const scripts = new SaleScripts(primary.client);
  await scripts.create();
  await scripts.setState("open");
  await primary.untilReplicated();
  await primary.client.config("RESETSTAT");
});
afterEach(() => replica.resume());

/** Turns the append-only file on, where a test has turned it off, and waits until it is there. */
async function keepFile({ client }: RedisServer): Promise<void> {
  await client.config("SET", "appendonly", "yes");
  await until("the append-only file is written", async () => {
    const info = await client.info("persistence");
    return (
      info.includes("aof_enabled:1") && /aof_rewrite_(in_progress|scheduled):1/.exec(info) === null
    );
  });
}

/** Whether a batch, and the lookup of it, were durable; null if there was no decision. */
async function durable(its: LedgerRig, key: string): Promise<(boolean | null)[]> {
  const bought = await its.buy(key);
  const found = await its.lookup(key);
  return [bought, found].map((reply) =>
    reply.kind === "ok" && reply.value !== null ? reply.value.durable : null,
  );
}

async function waits(): Promise<{ wait: number; waitAof: number }> {
  const { client } = primary;
  return { wait: await calls(client, "wait"), waitAof: await calls(client, "waitaof") };
}

function rig(durability: Durability): Promise<LedgerRig> {
  return rigged({ url: primary.url, durability });
}

describe("memory", () => {
  test("waits for nothing, not even where there is no file and no replica", async () => {
    await primary.client.config("SET", "appendonly", "no");
    expect(await durable(await rig("memory"), "k1")).toEqual([true, true]);
    expect(await waits()).toEqual({ wait: 0, waitAof: 0 });
  });
});

describe("primary", () => {
  test("is kept by a file that is synced always, or waited for", async () => {
    expect(await durable(await rig("primary"), "k1")).toEqual([true, true]);
    expect(await waits()).toEqual({ wait: 0, waitAof: hasWaitAof ? 2 : 0 });
  });

  test("survives SIGKILL right after the answer", async () => {
    const alone = await RedisServer.start({ settings: always });
    servers.push(alone);
    const scripts = new SaleScripts(alone.client);
    await scripts.create();
    await scripts.setState("open");
    const its = await rigged({ url: alone.url, durability: "primary" });
    expect(await durable(its, "k1")).toEqual([true, true]);
    await alone.kill();
    await alone.restart();
    expect(await new SaleScripts(alone.client).recordOf("k1")).toStartWith("held\t1\t");
  });

  test("is refused where the file is synced each second, since a batch would take that long", async () => {
    await primary.client.config("SET", "appendfsync", "everysec");
    const refused = await (await rig("primary")).buy("k1");
    const reason = expect.stringContaining("needs a Redis with appendfsync always");
    expect(refused).toMatchObject({ kind: "refused", reason });
    expect(await calls(primary.client, "evalsha")).toBe(0);
  });
});

describe.each(["primary", "replica"] as const)("%s", (durability) => {
  test("is refused where no file is kept, and nothing is sold", async () => {
    await primary.client.config("SET", "appendonly", "no");
    const its = await rig(durability);
    const reason = expect.stringContaining("needs a Redis with appendonly yes");
    expect(await its.buy("k1")).toMatchObject({ kind: "refused", reason });
    expect(await its.lookup("k1")).toMatchObject({ kind: "refused" });
    expect(await calls(primary.client, "evalsha")).toBe(0);
  });

  test("takes what was refused once the server is put right", async () => {
    await primary.client.config("SET", "appendonly", "no");
    const its = await rig(durability);
    expect((await its.buy("k1")).kind).toBe("refused");
    await keepFile(primary);
    expect((await its.buy("k1")).kind).toBe("ok");
  });
});

describe("replica", () => {
  test("is kept by the replica too", async () => {
    expect(await durable(await rig("replica"), "k1")).toEqual([true, true]);
    expect(await waits()).toEqual({ wait: 2, waitAof: hasWaitAof ? 2 : 0 });
    expect(await new SaleScripts(replica.client).recordOf("k1")).toStartWith("held\t1\t");
  });

  test("is reached batch after batch, not once a second", async () => {
    const its = await rig("replica");
    const reached: (boolean | null)[] = [];
    for (let batch = 1; batch <= 10; batch += 1) {
      reached.push(...(await durable(its, `k${batch}`)));
    }
    // All but a few: now and then a replica's word takes until its next second.
    expect(reached.filter((is) => is === true).length).toBeGreaterThanOrEqual(15);
  });

  test("is not durable while the replica hangs, and is when the batch is sent again after", async () => {
    const its = await rig("replica");
    replica.pause();
    expect(await durable(its, "k1")).toEqual([false, false]);
    replica.resume();
    await primary.untilReplicated();
    expect(await durable(its, "k1")).toEqual([true, true]);
  });

  test("a replay on a new connection is not durable before the replica has the order", async () => {
    const its = await rig("replica");
    replica.pause();
    expect(await durable(its, "k1")).toEqual([false, false]);
    const first = its.generation;
    await cutRigs(primary.client);
    await its.untilReady(first);
    expect(await durable(its, "k1")).toEqual([false, false]);
  });

  test("is not durable without a replica", async () => {
    const alone = await RedisServer.start({ settings: always });
    servers.push(alone);
    const scripts = new SaleScripts(alone.client);
    await scripts.create();
    await scripts.setState("open");
    const its = await rigged({ url: alone.url, durability: "replica" });
    expect(await durable(its, "k1")).toEqual([false, false]);
  });

  test.skipIf(!hasWaitAof)(
    `is not durable on a replica that keeps no file (from 7.2 on; this is ${version})`,
    async () => {
      await replica.client.config("SET", "appendonly", "no");
      expect(await durable(await rig("replica"), "k1")).toEqual([false, false]);
    },
  );
});
