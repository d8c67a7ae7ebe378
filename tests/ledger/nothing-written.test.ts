import { afterEach, expect, test } from "bun:test";

import { RedisServer } from "../support/redis-server.ts";
import { contents, countingChanges } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { type SaleScripts, tokenOf } from "./support/sale-scripts.ts";
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
  await scripts.hold([["k1", "ann"]]);
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
  writingCalls[name].keys.map((_, index): [WritingName, number] => [name, index]),
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

test("hold: the orders are of another type, and nothing is read from them", async () => {
  const { server, scripts } = ledger;
  await prepare(scripts);
  await server.client.del(scripts.keys.orders);
  await server.client.rpush(scripts.keys.orders, "a list where no script expects one");
  const { script, keys } = writingCalls.hold;
  const requests = JSON.stringify(["new", "ann", 1, tokenOf("new")]);
  const args = ["node1#a", 1, 0, requests];
  expect(await refusal({ script, keys, args })).toContain("WRONGTYPE");
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
    expect((await scripts.read()).slice(0, 4)).toEqual(["0", "10", "1", "0"]);
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
