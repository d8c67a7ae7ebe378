import { afterEach, expect, test } from "bun:test";

import { changedKey } from "../../src/ledger/keys.ts";
import { secretId } from "../../src/sale/tokens.ts";
import { RedisServer } from "../support/redis-server.ts";
import { contents, countingChanges } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { type Ask, pairsOf, type SaleScripts, testSecret } from "./support/sale-scripts.ts";
import {
  type Call,
  writingCalls,
  type WritingName,
  writingNames,
} from "./support/writing-calls.ts";

const ledger = oneServer();
const replicas: RedisServer[] = [];

afterEach(async () => {
  for (const replica of replicas.splice(0)) {
    await replica.remove();
  }
});

/** A sale on which all of `writingCalls` write. */
async function prepare(scripts: SaleScripts): Promise<void> {
  await scripts.create();
  await scripts.setState("open");
  await scripts.heartbeat();
  await scripts.hold([["k1", "ann"], ["k2"], ["k3"], ["k4"]]);
}

/** What a call was rejected with; and it must have written nothing at all. */
async function refusal(call: Call, scripts: SaleScripts = ledger.scripts): Promise<string> {
  const before = await contents(scripts.client);
  const { value, made } = await countingChanges(scripts.client, () =>
    scripts.run(call.script, call.keys, call.args).then(
      (reply) => `no error, but ${JSON.stringify(reply)}`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    ),
  );
  expect(await contents(scripts.client)).toEqual(before);
  expect(made).toBe(0);
  return value;
}

test.each(writingNames)("%s: the call that other tests break does write", async (name) => {
  const { scripts } = ledger;
  await prepare(scripts);
  const { script, keys, args } = writingCalls[name];
  const { made } = await countingChanges(scripts.client, () => scripts.run(script, keys, args));
  expect(made).toBeGreaterThan(0);
});

const positions: [WritingName, number][] = writingNames.flatMap((name) =>
  writingCalls[name].keys.flatMap((key, index): [WritingName, number][] =>
    // What stands where a new sale's secret is to stand is written over, whatever it was.
    key.endsWith(":secret") ? [] : [[name, index]],
  ),
);

test.each(positions)(
  "%s: its key %i, counted from 0, is of another type: nothing is half written",
  async (name, index) => {
    const { server, scripts } = ledger;
    await prepare(scripts);
    const { script, keys, args } = writingCalls[name];
    const key = keys[index] ?? "missing";
    await server.client.del(key);
    await server.client.rpush(key, "a list where no script expects one");
    expect(await refusal({ script, keys, args })).toContain("WRONGTYPE");
  },
);

test.each([1, 3, 4, 9])(
  "hold: %i new requests, a key of another type: nothing is half written",
  async (count) => {
    const { server, scripts } = ledger;
    const ref = "ref.2";
    const pairs = pairsOf(
      Array.from({ length: count }, (_, i): Ask => [`new-${i}`, "ann"]),
      ref,
    );
    const { script, keys } = writingCalls.hold;
    const args = ["node1#a", 1, 0, secretId(testSecret), ref, ...pairs];
    // Few orders need no batch, and a sale without a limit no buyers.
    for (const key of keys.filter((each) => count > 3 || !each.endsWith(":batches"))) {
      await server.client.flushall();
      await prepare(scripts);
      await server.client.del(key);
      await server.client.rpush(key, "a list where no script expects one");
      expect(await refusal({ script, keys, args })).toContain("WRONGTYPE");
    }
  },
);

test("release: an epoch that cannot begin releases nothing", async () => {
  const { server, scripts } = ledger;
  await prepare(scripts);
  await server.client.hset(scripts.keys.stock, "total", 4); // Sold out.
  await server.client.del(changedKey);
  await server.client.rpush(changedKey, "a list where no script expects one");
  expect(await refusal(writingCalls.release)).toContain("WRONGTYPE");
});

test.each(writingNames)("%s: memory is full", async (name) => {
  const { server, scripts } = ledger;
  await prepare(scripts);
  // The script is known already, as in a sale; to load it takes memory too.
  await server.client.script("LOAD", writingCalls[name].script.source);
  await server.client.config("SET", "maxmemory", "1");
  try {
    expect(await refusal(writingCalls[name])).toStartWith("OOM");
  } finally {
    await server.client.config("SET", "maxmemory", "0");
  }
});

test("read answers when memory is full", async () => {
  const { server, scripts } = ledger;
  await prepare(scripts);
  await scripts.read();
  await server.client.config("SET", "maxmemory", "1");
  try {
    expect((await scripts.read()).slice(0, 4)).toEqual(["0", "10", "4", "0"]);
  } finally {
    await server.client.config("SET", "maxmemory", "0");
  }
});

test("a read-only replica refuses every script that may write", async () => {
  const { server, scripts } = ledger;
  await prepare(scripts);
  const replica = await RedisServer.start({ replicaOf: server });
  replicas.push(replica);
  await server.untilReplicated();
  const before = await contents(replica.client);
  for (const name of writingNames) {
    const { script, keys, args } = writingCalls[name];
    await replica.client.script("LOAD", script.source);
    const texts = args.map(String);
    const reply = replica.client.evalsha(script.sha1, keys.length, ...keys, ...texts);
    expect(await reply.then(String, String)).toContain("READONLY");
  }
  expect(await contents(replica.client)).toEqual(before);
});

test("a primary that lacks its replicas refuses every script that may write", async () => {
  const { server, scripts } = ledger;
  await prepare(scripts);
  await server.client.config("SET", "min-replicas-to-write", "1");
  try {
    for (const name of writingNames) {
      expect(await refusal(writingCalls[name])).toStartWith("NOREPLICAS");
    }
  } finally {
    await server.client.config("SET", "min-replicas-to-write", "0");
  }
});
