import { beforeEach, expect, test } from "bun:test";

import type { Redis } from "ioredis";

import { callScript } from "../../src/ledger/call-script.ts";
import { orderGroup, saleKeys } from "../../src/ledger/keys.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { outboxScripts } from "../../src/ledger/scripts.ts";
import { contents } from "../ledger/support/contents.ts";
import { oneRedis } from "./support/one-redis.ts";

const ledger = oneRedis();
const { events, dead, stock } = saleKeys("tickets");
let client: Redis;
beforeEach(() => {
  ({ client } = ledger.server);
});

type Dead = readonly [place: number, reason: string, token: string, record: string];

const giveUp = (id: string, ...records: readonly Dead[]): Promise<unknown> =>
  callScript(client, outboxScripts.deadLetter, [events, dead], [orderGroup, id, ...records.flat()]);
const replay = (...letters: readonly string[]): Promise<unknown> =>
  callScript(client, outboxScripts.replay, [events, dead, stock], letters);

/** A sale whose outbox has so many entries, all of which were given to a worker. */
async function deliver(...all: readonly (readonly string[])[]): Promise<string[]> {
  await client.hset(stock, { total: 10, records: 40 });
  await client.xgroup("CREATE", events, orderGroup, "0", "MKSTREAM");
  const ids: string[] = [];
  for (const fields of all) {
    ids.push((await client.xadd(events, "*", ...fields)) ?? "");
  }
  await client.xreadgroup("GROUP", orderGroup, "w1", "STREAMS", events, ">");
  return ids;
}

async function fieldsOf(key: string): Promise<string[][]> {
  return (await client.xrange(key, "-", "+")).map(([, fields]) => fields);
}

async function idsOf(key: string): Promise<string[]> {
  return (await client.xrange(key, "-", "+")).map(([id]) => id);
}

const pending = async (): Promise<unknown> => (await client.xpending(events, orderGroup))[0];

test("records become a dead letter each, their entry is acknowledged and stays; repeated, nothing happens", async () => {
  const [id = ""] = await deliver(["n", "40", "orders", "text"]);
  const records = [
    [0, "why", "token-0", "record\t0"],
    [999, "another\nreason", "token-999", ""],
  ] as const;
  expect(await giveUp(id, ...records)).toBe(2);
  expect(await fieldsOf(dead)).toEqual(
    records.map(([place, reason, token, record]) => [
      "entry",
      id,
      "place",
      String(place),
      "reason",
      reason,
      "tries",
      "1",
      "token",
      token,
      "record",
      record,
    ]),
  );
  expect(await pending()).toBe(0);
  expect(await idsOf(events)).toEqual([id]);
  const before = await contents(client);
  expect(await giveUp(id, ...records)).toBe(0);
  expect(await contents(client)).toEqual(before);
});

test("an entry as a whole becomes a dead letter with its fields as JSON, whatever is in them", async () => {
  const fields = ["odd", "\"\\\n\t\u0000/'", "", "{}"];
  const [id = ""] = await deliver(fields);
  expect(await giveUp(id, [-1, "why", "", ""])).toBe(1);
  const [[...letter] = []] = await fieldsOf(dead);
  expect(JSON.parse(letter.at(-1) ?? "")).toEqual(fields);
  expect(letter.slice(0, -1)).toEqual([
    "entry",
    id,
    "place",
    "-1",
    "reason",
    "why",
    "tries",
    "1",
    "token",
    "",
    "record",
    "",
    "text",
  ]);
});

test("of an entry that is gone its records become dead letters all the same; the entry cannot", async () => {
  const [one = "", two = ""] = await deliver(["n", "1"], ["n", "2"]);
  await client.xdel(events, one, two);
  expect(await giveUp(one, [-1, "why", "", ""])).toBe(0);
  expect(await client.exists(dead)).toBe(0);
  expect(await giveUp(two, [3, "why", "token", "record"])).toBe(1);
  expect(await pending()).toBe(0);
});

test("a record that is sent back is an entry by itself, which counts one record more; once", async () => {
  const [id = ""] = await deliver(["n", "40", "orders", "text"]);
  await giveUp(id, [0, "why", "token-0", "record\t0"], [1, "why", "token-1", "record\t1"]);
  const [first = "", second = ""] = await idsOf(dead);
  expect(await replay(second, "1-1", second)).toBe(1);
  expect(await idsOf(dead)).toEqual([first]);
  expect((await fieldsOf(events)).slice(1)).toEqual([
    ["n", "41", "orders", "\ntoken-1\nrecord\t1", "letter", second],
  ]);
  expect(await client.hget(stock, "records")).toBe("41");
  const before = await contents(client);
  expect(await replay(second)).toBe(0);
  expect(await contents(client)).toEqual(before);
  expect(await replay(first)).toBe(1);
  expect((await fieldsOf(events)).at(-1)?.slice(0, 2)).toEqual(["n", "42"]);
  expect(await client.xlen(dead)).toBe(0);
});

test("a whole entry that is sent back has the fields that it had and counts no record; it does not grow", async () => {
  const [one = "", two = ""] = await deliver(["odd", '"\\\n/'], ["n", "7", "new kind", "text"]);
  await giveUp(one, [-1, "why", "", ""]);
  await giveUp(two, [-1, "why", "", ""]);
  for (let round = 1; round <= 2; round += 1) {
    const [a = "", b = ""] = await idsOf(dead);
    expect(await replay(a, b)).toBe(2);
    expect((await fieldsOf(events)).slice(-2)).toEqual([
      ["odd", '"\\\n/', "letter", a],
      ["n", "40", "new kind", "text", "letter", b],
    ]);
    await client.xreadgroup("GROUP", orderGroup, "w1", "STREAMS", events, ">");
    for (const id of (await idsOf(events)).slice(-2)) {
      await giveUp(id, [-1, "why", "", ""]);
    }
  }
  expect(await client.hget(stock, "records")).toBe("40");
});

test("where there is no sale, nothing is sent back and nothing is made", async () => {
  const [id = ""] = await deliver(["n", "40", "orders", "text"]);
  await giveUp(id, [0, "why", "token", "record"]);
  await client.del(stock);
  const before = await contents(client);
  expect(await replay(...(await idsOf(dead)))).toBe(scriptStatus.noSale);
  expect(await contents(client)).toEqual(before);
});

test.each([
  ["dead-letter", "no record", [orderGroup, "1-1"]],
  ["dead-letter", "half a record", [orderGroup, "1-1", 0, "why", "token"]],
  ["dead-letter", "no place", [orderGroup, "1-1", -2, "why", "token", "record"]],
  ["dead-letter", "a place too far", [orderGroup, "1-1", 0, "", "", "", 1000, "", "", ""]],
  ["replay", "no id", []],
  ["replay", "too many ids", Array.from({ length: 1001 }, (_, n) => `1-${n}`)],
] as const)("%s refuses %s", async (name, _, args) => {
  await deliver(["n", "1", "orders", "text"]);
  const before = await contents(client);
  const script = name === "replay" ? outboxScripts.replay : outboxScripts.deadLetter;
  const keys = name === "replay" ? [events, dead, stock] : [events, dead];
  await expect(callScript(client, script, keys, [...args])).rejects.toThrow(`BADARG ${name}`);
  expect(await contents(client)).toEqual(before);
});

test("a key of another type is refused before anything is written", async () => {
  const [id = ""] = await deliver(["n", "40", "orders", "text"]);
  await giveUp(id, [0, "why", "token", "record"]);
  const letters = await idsOf(dead);
  await client.rename(events, "kept");
  await client.set(events, "no stream");
  const before = await contents(client);
  await expect(replay(...letters)).rejects.toThrow("WRONGTYPE");
  expect(await contents(client)).toEqual(before);
});
