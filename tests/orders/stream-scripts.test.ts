import { beforeEach, expect, test } from "bun:test";

import fc from "fast-check";

import { orderGroup } from "../../src/ledger/keys.ts";
import { outboxScripts } from "../../src/ledger/scripts.ts";
import { contents } from "../ledger/support/contents.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { listOf, numberOf } from "../ledger/support/shapes.ts";
import { OrderScripts } from "./support/order-scripts.ts";

const ledger = oneServer();
const events = "{sale:tickets}:events";
const dead = "{sale:tickets}:dead";
let sale: OrderScripts;
beforeEach(() => {
  sale = new OrderScripts(ledger.server.client);
  records = 0;
});

async function trim(keep: unknown, most: unknown): Promise<[forgotten: number, pinned: number]> {
  const keys = [sale.keys.stock, events, sale.keys.batches];
  const [forgotten, pinned] = listOf(
    await sale.run(outboxScripts.trimEvents, keys, [keep, most]),
    numberOf,
  );
  return [forgotten ?? 0, pinned ?? 0];
}
const forget = (idleMs: unknown): Promise<unknown> =>
  sale.run(outboxScripts.forgetConsumers, [events], [orderGroup, idleMs]);

/** An entry of the outbox: how many records it has, and whether its batch has held orders. */
interface Added {
  readonly records: number;
  readonly living?: boolean;
  /** Nobody can read it: it was not written by a script. */
  readonly strange?: boolean;
}

let added = 0;
let records = 0;

/** Adds entries as scripts write them, and what they change of the sale. Returns their ids. */
async function add(...entries: readonly Added[]): Promise<string[]> {
  const ids: string[] = [];
  for (const { records: its, living = false, strange = false } of entries) {
    added += 1;
    records += its;
    const ref = `ref.${added}`;
    const head = `${ref}\t1\t1000\t2000`;
    const lines = Array.from({ length: its }, (_, i) => `token ${i}\nrecord`);
    const what = its === 0 ? ["sale", "definition"] : ["orders", [head, ...lines].join("\n")];
    const fields = strange ? ["bad", "entry"] : ["n", String(records), ...what];
    const id = (await sale.client.xadd(events, "*", ...fields)) ?? "";
    if (living) {
      await sale.client.hset(sale.keys.batches, ref, `${id}\t1\t1000\t2000\t1`);
    }
    ids.push(id);
  }
  await sale.client.hset(sale.keys.stock, "records", records);
  return ids;
}

function ones(count: number): Added[] {
  return Array.from({ length: count }, () => ({ records: 1 }));
}

async function read(consumer: string, count: number): Promise<string[]> {
  const raw = (await sale.client.xreadgroup(
    ...(["GROUP", orderGroup, consumer, "COUNT", count, "STREAMS", events, ">"] as const),
  )) as [string, [string, string[]][]][] | null;
  return raw?.[0]?.[1].map(([id]) => id) ?? [];
}

const group = (): Promise<unknown> =>
  sale.client.xgroup("CREATE", events, orderGroup, "0", "MKSTREAM");

/** Everything is delivered and stored. */
async function storeAll(): Promise<void> {
  await sale.client.xack(events, orderGroup, ...(await read("w1", 1_000)));
}

async function idsOf(key: string): Promise<string[]> {
  return (await sale.client.xrange(key, "-", "+")).map(([id]) => id);
}

const anyEntry: fc.Arbitrary<Added> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ records: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.constant({ records: 0 }) },
  { weight: 1, arbitrary: fc.constant({ records: 0, strange: true }) },
  { weight: 1, arbitrary: fc.record({ records: fc.constant(5), living: fc.constant(true) }) },
);

test("trimming forgets nothing that is not stored, that a living batch needs or that is to stay, and in the end all else", async () => {
  const plan = fc.record({
    entries: fc.array(anyEntry, { maxLength: 40, size: "max" }),
    delivered: fc.integer({ min: 0, max: 45 }),
    missing: fc.array(fc.nat({ max: 40 }), { maxLength: 2 }),
    keep: fc.integer({ min: 1, max: 60 }),
    most: fc.integer({ min: 1, max: 15 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ entries, delivered, missing, keep, most }) => {
      await sale.client.flushall();
      records = 0;
      await group();
      const all = await add(...entries);
      const given = delivered === 0 ? [] : await read("w1", delivered);
      const stored = given.filter((_, index) => !missing.includes(index));
      if (stored.length > 0) {
        await sale.client.xack(events, orderGroup, ...stored);
      }
      let forgotten = 0;
      let last: readonly [number, number] = [-1, 0];
      for (let rounds = 0; last[0] !== 0 && rounds < 100; rounds += 1) {
        last = await trim(keep, most);
        const gone = entries.slice(forgotten, forgotten + last[0]);
        const [first, ...others] = gone.filter(({ strange }) => strange !== true);
        expect(recordsOf(others)).toBeLessThanOrEqual(most);
        expect(first?.records ?? 0).toBeLessThanOrEqual(6);
        forgotten += last[0];
      }
      expect(await idsOf(events)).toEqual(all.slice(forgotten));
      // The last one delivered stays, though it may be stored.
      const needed = given.findIndex((id) => !stored.includes(id));
      const notStored = needed < 0 ? Math.max(0, given.length - 1) : needed;
      const living = entries.findIndex((entry) => entry.living === true);
      const bounds = entries.map((_, index) => recordsOf(entries.slice(index + 1)) < keep);
      const toStay = bounds.indexOf(true);
      const expected = [notStored, living, toStay].filter((bound) => bound >= 0);
      expect(forgotten).toBe(Math.min(...expected));
      if (living >= 0 && living < Math.min(notStored, toStay)) {
        expect(last[1]).toBe(1);
      }
    }),
    { numRuns: 300 },
  );
});

function recordsOf(entries: readonly Added[]): number {
  return entries.reduce((sum, entry) => sum + entry.records, 0);
}

test("what stays is counted in records, not in entries", async () => {
  await group();
  const all = await add({ records: 600 }, { records: 300 }, { records: 1_000 }, ...ones(5));
  await storeAll();
  expect(await trim(1_006, 10_000)).toEqual([1, 0]);
  expect(await trim(1_005, 10_000)).toEqual([1, 0]);
  expect(await trim(1_005, 10_000)).toEqual([0, 0]);
  expect(await idsOf(events)).toEqual(all.slice(2));
});

test("a batch with held orders keeps its entry and all that is younger, until the last is settled", async () => {
  await sale.open(100);
  const keys = await sale.sell(5);
  await sale.sell(20, "more", 5);
  await group();
  await storeAll();
  expect(await trim(1, 10_000)).toEqual([2, 1]); // What created and opened the sale.
  await sale.confirm(keys.slice(0, 3));
  await sale.cancel(keys.slice(3, 4));
  await storeAll();
  expect(await trim(1, 10_000)).toEqual([0, 1]);
  await sale.confirm(keys.slice(4));
  await storeAll();
  expect(await trim(1, 10_000)).toEqual([1, 1]); // To the next batch.
});

test("orders that need no batch keep no entry", async () => {
  await sale.open(100);
  await sale.sell(9, "k", 3);
  await group();
  await storeAll();
  expect(await trim(1, 10_000)).toEqual([4, 0]);
});

test("without a group nothing is known to be stored, so nothing is trimmed; another group's entries stay, too", async () => {
  const all = await add(...ones(10));
  expect(await trim(1, 100)).toEqual([0, 0]);
  await group();
  await storeAll();
  await sale.client.xgroup("CREATE", events, "of somebody else", all[3] ?? "");
  expect(await trim(1, 100)).toEqual([3, 0]);
  expect((await idsOf(events))[0]).toBe(all[3] as string);
});

test("of entries of one millisecond, too, only those before the oldest that is needed are trimmed", async () => {
  for (let n = 0; n < 12; n += 1) {
    await sale.client.xadd(events, `1000-${n}`, "n", n + 1, "orders", "\ntoken\nrecord");
  }
  await sale.client.hset(sale.keys.stock, "records", 12);
  await group();
  const read1 = await read("w1", 12);
  await sale.client.xack(events, orderGroup, ...read1.filter((id) => id !== "1000-9"));
  expect(await trim(1, 100)).toEqual([9, 0]);
  expect(await idsOf(events)).toEqual(["1000-9", "1000-10", "1000-11"]);
});

test("more entries than are read at a time are trimmed in one call", async () => {
  await group();
  await add(...ones(100));
  await storeAll();
  expect(await trim(10, 10_000)).toEqual([90, 0]);
});

test("an entry that nobody can read does not keep the outbox from being trimmed", async () => {
  await group();
  const strange: Added = { records: 0, strange: true };
  await add(strange, ...ones(3), strange, { records: 0 }, ...ones(2));
  await storeAll();
  expect(await trim(1, 100)).toEqual([7, 0]);
});

test("a silent worker is forgotten when it has nothing pending, and never with something", async () => {
  await group();
  await add(...ones(2));
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
  ["replay", []],
  ["dead-letter", [orderGroup, "1-1"]],
  ["dead-letter", [orderGroup, "1-1", "x", "why", "", ""]],
  ["dead-letter", [orderGroup, "1-1", -2, "why", "", ""]],
  ["dead-letter", [orderGroup, "1-1", 1000, "why", "", ""]],
] as const)("%s refuses bad arguments %j", async (name, args) => {
  const { stock, batches } = sale.keys;
  const all = {
    "trim-events": { script: outboxScripts.trimEvents, keys: [stock, events, batches] },
    "forget-consumers": { script: outboxScripts.forgetConsumers, keys: [events] },
    replay: { script: outboxScripts.replay, keys: [events, dead, stock] },
    "dead-letter": { script: outboxScripts.deadLetter, keys: [events, dead] },
  };
  const { script, keys } = all[name];
  await group();
  await add(...ones(3));
  const before = await contents(sale.client);
  await expect(sale.run(script, keys, args)).rejects.toThrow(`BADARG ${name}`);
  expect(await contents(sale.client)).toEqual(before);
});
