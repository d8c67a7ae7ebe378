import { beforeEach, expect, test } from "bun:test";

import fc from "fast-check";

import { orderGroup, replayConsumer } from "../../src/ledger/keys.ts";
import { outboxScripts } from "../../src/ledger/scripts.ts";
import { contents } from "../ledger/support/contents.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { OrderScripts } from "./support/order-scripts.ts";

const ledger = oneServer();
const events = "{sale:tickets}:events";
const dead = "{sale:tickets}:dead";
let sale: OrderScripts;
beforeEach(() => {
  sale = new OrderScripts(ledger.server.client);
});

const trim = (keep: unknown, most: unknown): Promise<unknown> =>
  sale.run(outboxScripts.trimEvents, [events], [keep, most]);
const giveUp = (id: string, reason = "why"): Promise<unknown> =>
  sale.run(outboxScripts.deadLetter, [events, dead], [orderGroup, id, reason]);
const replay = (...letters: string[]): Promise<unknown> =>
  sale.run(outboxScripts.replay, [events, dead], [orderGroup, replayConsumer, ...letters]);
const forget = (idleMs: unknown): Promise<unknown> =>
  sale.run(outboxScripts.forgetConsumers, [events], [orderGroup, idleMs]);

async function add(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    ids.push((await sale.client.xadd(events, "*", "held", `record ${n}`)) ?? "");
  }
  return ids;
}

async function read(consumer: string, count: number): Promise<string[]> {
  const raw = (await sale.client.xreadgroup(
    ...(["GROUP", orderGroup, consumer, "COUNT", count, "STREAMS", events, ">"] as const),
  )) as [string, [string, string[]][]][] | null;
  return raw?.[0]?.[1].map(([id]) => id) ?? [];
}

const group = (): Promise<unknown> =>
  sale.client.xgroup("CREATE", events, orderGroup, "0", "MKSTREAM");

async function idsOf(key: string): Promise<string[]> {
  return (await sale.client.xrange(key, "-", "+")).map(([id]) => id);
}

test("trimming never forgets what is not acknowledged, nor more than may go, and in the end all that may go", async () => {
  const plan = fc.record({
    added: fc.integer({ min: 0, max: 40 }),
    delivered: fc.integer({ min: 0, max: 40 }),
    acknowledged: fc.array(fc.nat({ max: 39 }), { maxLength: 40 }),
    keep: fc.integer({ min: 1, max: 40 }),
    most: fc.integer({ min: 1, max: 15 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ added, delivered, acknowledged, keep, most }) => {
      await sale.client.flushall();
      await group();
      const all = await add(added);
      const read1 = delivered === 0 ? [] : await read("w1", delivered);
      const acked = new Set(acknowledged.map((n) => read1[n]).filter((id) => id !== undefined));
      if (acked.size > 0) {
        await sale.client.xack(events, orderGroup, ...acked);
      }
      let rounds = 0;
      let forgotten = 0;
      for (let n = -1; n !== 0 && rounds < 100; rounds += 1) {
        n = Number(await trim(keep, most));
        expect(n).toBeLessThanOrEqual(most);
        forgotten += n;
      }
      const left = await idsOf(events);
      expect(left).toEqual(all.slice(forgotten));
      const needed = all.filter((id) => !acked.has(id));
      expect(left).toEqual(expect.arrayContaining(needed));
      expect(left.length).toBeGreaterThanOrEqual(Math.min(keep, added));
      // The last one delivered stays, though it may be stored.
      const bound =
        needed[0] === undefined || read1.indexOf(needed[0]) < 0
          ? all.indexOf(read1.at(-1) ?? "")
          : all.indexOf(needed[0]);
      expect(forgotten).toBe(Math.max(0, Math.min(added - keep, bound)));
    }),
    { numRuns: 150 },
  );
});

test("without a group nothing is known to be stored, so nothing is trimmed; another group's entries stay, too", async () => {
  const all = await add(10);
  expect(await trim(1, 100)).toBe(0);
  await group();
  await sale.client.xack(events, orderGroup, ...(await read("w1", 10)));
  await sale.client.xgroup("CREATE", events, "of somebody else", all[3] ?? "");
  expect(await trim(1, 100)).toBe(3);
  expect((await idsOf(events))[0]).toBe(all[3] as string);
});

test("of entries of one millisecond, too, only those before the oldest that is needed are trimmed", async () => {
  for (let n = 0; n < 12; n += 1) {
    await sale.client.xadd(events, `1000-${n}`, "held", "record");
  }
  await group();
  const read1 = await read("w1", 12);
  await sale.client.xack(events, orderGroup, ...read1.filter((id) => id !== "1000-9"));
  expect(await trim(1, 100)).toBe(9);
  expect(await idsOf(events)).toEqual(["1000-9", "1000-10", "1000-11"]);
});

test("a dead letter has the entry's fields, the reason and the tries; the entry is acknowledged and stays", async () => {
  await group();
  const [id = ""] = await add(1);
  await read("w1", 1);
  expect(await giveUp(id, "a reason")).toBe(1);
  const [letter] = await sale.client.xrange(dead, "-", "+");
  expect(letter?.[1]).toEqual(["id", id, "reason", "a reason", "tries", "1", "held", "record 0"]);
  expect(await sale.client.xpending(events, orderGroup)).toEqual([0, null, null, null]);
  expect(await idsOf(events)).toEqual([id]);
  const before = await contents(sale.client);
  expect(await giveUp(id)).toBe(0);
  expect(await contents(sale.client)).toEqual(before);
});

test("an entry that is gone is acknowledged without a dead letter", async () => {
  await group();
  const [id = ""] = await add(1);
  await read("w1", 1);
  await sale.client.xdel(events, id);
  expect(await giveUp(id)).toBe(1);
  expect(await sale.client.exists(dead)).toBe(0);
  expect(await giveUp(id)).toBe(0);
});

test("sent back, an entry is pending again, for any worker to take over, as if it were new; once", async () => {
  await group();
  const [one = "", two = ""] = await add(2);
  await read("w1", 2);
  await giveUp(one);
  await giveUp(two);
  const letters = await idsOf(dead);
  expect(await replay(letters[0] ?? "", "1-1", letters[0] ?? "")).toBe(1);
  expect(await idsOf(dead)).toEqual(letters.slice(1));
  const pending = (await sale.client.xpending(events, orderGroup, "-", "+", 10)) as unknown[][];
  expect(pending.map(([id, consumer, , tries]) => [id, consumer, tries])).toEqual([
    [one, replayConsumer, 0],
  ]);
  expect(await replay(letters[0] ?? "")).toBe(0);
  const [, claimed] = (await sale.client.xautoclaim(
    ...([events, orderGroup, "w2", 3_600_000, "0-0"] as const),
  )) as [string, [string, string[]][]];
  expect(claimed).toEqual([[one, ["held", "record 0"]]]);
  expect(await idsOf(events)).toEqual([one, two]);
});

test("sent back after the outbox was trimmed, an entry is added anew", async () => {
  await group();
  const [one = ""] = await add(3);
  await sale.client.xack(events, orderGroup, ...(await read("w1", 3)).slice(1));
  await giveUp(one);
  expect(await trim(1, 100)).toBe(2);
  expect(await replay(...(await idsOf(dead)))).toBe(1);
  expect((await sale.client.xrange(events, "-", "+")).map(([, fields]) => fields)).toEqual([
    ["held", "record 2"],
    ["held", "record 0"],
  ]);
  expect(await read("w1", 10)).toHaveLength(1);
});

test("a silent worker is forgotten when it has nothing pending, and never with something", async () => {
  await group();
  await add(2);
  await read("busy", 1);
  await sale.client.xack(events, orderGroup, ...(await read("idle", 1)));
  await Bun.sleep(5);
  expect(await forget(3_600_000)).toBe(0);
  expect(await forget(1)).toBe(1);
  const left = (await sale.client.xinfo("CONSUMERS", events, orderGroup)) as unknown[][];
  expect(left.map((consumer) => consumer[1])).toEqual(["busy"]);
});

test.each([
  ["trim-events", [0, 1]],
  ["trim-events", [1, 0]],
  ["trim-events", [1, 10_001]],
  ["trim-events", ["x", 1]],
  ["forget-consumers", [orderGroup, 0]],
  ["forget-consumers", [orderGroup, "x"]],
  ["replay", [orderGroup, replayConsumer]],
] as const)("%s refuses bad arguments %j", async (name, args) => {
  const script = Object.values(outboxScripts).find((one) => one.name === name);
  const keys = name === "replay" ? [events, dead] : [events];
  await group();
  await add(3);
  const before = await contents(sale.client);
  await expect(sale.run(script ?? outboxScripts.replay, keys, args)).rejects.toThrow(
    `BADARG ${name}`,
  );
  expect(await contents(sale.client)).toEqual(before);
});
