import { expect, test } from "bun:test";

import type { StreamEntry } from "../../src/ledger/outbox/entry.ts";
import { Consumer } from "../../src/orders/consumer.ts";
import type { ReadEntry } from "../../src/orders/order-batch.ts";
import { Pause } from "../../src/orders/pause.ts";
import { encodeFullRecord } from "../../src/sale/order.ts";
import { until } from "../support/until.ts";
import { orderOf } from "./support/sample-orders.ts";

/** How long a transaction waits to be filled, as the consumer has it. */
const fillMs = 30;
/** A read that waits gives up after so long. */
const blockMs = 100;

/** An entry of so many records. */
function entryOf(records: number, sale = "s"): StreamEntry {
  const lines = Array.from({ length: records }, (_, index) => {
    const { record } = orderOf(index + 1);
    return `\n${record.token}\n${encodeFullRecord(record)}`;
  });
  return { sale, id: `1-${records}`, fields: ["n", "1", "orders", lines.join("")] };
}

class CountingPause extends Pause {
  waits = 0;

  override wait(durationMs: number): Promise<void> {
    this.waits += 1;
    return super.wait(durationMs);
  }
}

/** A consumer whose outbox is a list, and whose transactions are counted. */
class Rig {
  readonly outbox: StreamEntry[] = [];
  /** What happened, one after another; a read that brought nothing did not. */
  readonly log: ("read" | "store")[] = [];
  /** Of each read: how, and up to how many entries of a sale. */
  readonly reads: { readonly how: string; readonly count: number; readonly brought: number }[] = [];
  /** Of each transaction: its entries, and when it began. */
  readonly stored: { readonly entries: readonly ReadEntry[]; readonly atMs: number }[] = [];
  readonly pause = new CountingPause();
  readonly sales: readonly string[];
  readonly done: Promise<void>;
  /** How long a transaction takes. */
  storeMs = 1;

  constructor(batchMax: number, sales: readonly string[] = ["s"], before: StreamEntry[] = []) {
    this.sales = sales;
    this.outbox.push(...before);
    const consumer = new Consumer({
      reader: {
        generation: 1,
        readNew: (_, count, how) => this.#read(count, how),
        readPending: () => Promise.resolve([]),
      },
      group: { claim: () => Promise.resolve({ entries: [], next: "0-0" }) },
      sales: { readable: sales, forget: () => undefined },
      settled: () => false,
      store: {
        store: async (entries) => {
          this.log.push("store");
          this.stored.push({ entries, atMs: performance.now() });
          await Bun.sleep(this.storeMs);
        },
      },
      pause: this.pause,
      batchMax,
      claimIdleMs: 60_000,
      onBatch: () => undefined,
      onFault: (fault) => {
        throw new Error(fault);
      },
    });
    this.done = consumer.run();
  }

  get records(): number {
    return this.stored.flatMap(({ entries }) => entries).reduce((sum, { size }) => sum + size, 0);
  }

  async stop(): Promise<void> {
    this.pause.stop();
    await this.done;
  }

  async #read(count: number, how: "at once" | "waiting"): Promise<StreamEntry[]> {
    const endMs = performance.now() + (how === "waiting" ? blockMs : 0);
    while (this.outbox.length === 0 && performance.now() < endMs) {
      await Bun.sleep(1);
    }
    const taken = new Map<string, number>();
    const brought = this.outbox.filter(({ sale }) => {
      taken.set(sale, (taken.get(sale) ?? 0) + 1);
      return (taken.get(sale) ?? 0) <= count;
    });
    this.outbox.splice(0, this.outbox.length, ...this.outbox.filter((e) => !brought.includes(e)));
    this.reads.push({ how, count, brought: brought.length });
    if (brought.length > 0) {
      this.log.push("read");
    }
    return brought;
  }
}

test("what comes to an empty outbox is stored at once, without a wait", async () => {
  const rig = new Rig(2_000);
  await until("it waits", () => rig.reads.length >= 2);
  rig.outbox.push(entryOf(1));
  await until("it is stored", () => rig.stored.length === 1);
  expect(rig.reads.find(({ brought }) => brought > 0)?.how).toBe("waiting");
  expect(rig.log).toEqual(["read", "store"]);
  expect(rig.pause.waits).toBe(0);
  await rig.stop();
});

test("while nothing comes, each read waits", async () => {
  const rig = new Rig(2_000);
  await until("it has read", () => rig.reads.length >= 4);
  expect(rig.reads.map(({ how }) => how).slice(1)).not.toContain("at once");
  await rig.stop();
});

test("what comes one after another is stored together, and nothing waits for longer than it may", async () => {
  const rig = new Rig(2_000);
  rig.storeMs = 5;
  const startedMs = performance.now();
  let added = 0;
  while (performance.now() - startedMs < 600) {
    rig.outbox.push(entryOf(10));
    added += 1;
    await Bun.sleep(2);
  }
  await until("all is stored", () => rig.records === added * 10);
  const tookMs = (rig.stored.at(-1)?.atMs ?? 0) - startedMs;
  // One in each 30 ms and the time that it takes, and two at its edges.
  expect(rig.stored.length).toBeLessThanOrEqual(tookMs / fillMs + 2);
  const gaps = rig.stored.slice(1).map(({ atMs }, index) => atMs - (rig.stored[index]?.atMs ?? 0));
  gaps.sort((a, b) => a - b);
  expect(gaps[gaps.length >> 1] ?? Infinity).toBeLessThan(5 * fillMs);
  await rig.stop();
});

test("a transaction that is full waits for nothing, and has hardly more records than it may", async () => {
  const before = Array.from({ length: 200 }, () => entryOf(30));
  const rig = new Rig(100, ["s"], before);
  await until("all is stored", () => rig.records === 6_000);
  for (const { entries } of rig.stored) {
    expect(entries.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(100 + 30);
  }
  // Only what is left at the end may wait for more.
  expect(rig.pause.waits).toBeLessThanOrEqual(1);
  await rig.stop();
});

test("a read is bounded, however large the entries are", async () => {
  const rig = new Rig(
    2_000,
    ["s"],
    Array.from({ length: 300 }, () => entryOf(1)),
  );
  await until("the small ones are stored", () => rig.records === 300);
  expect(Math.max(...rig.reads.map(({ count }) => count))).toBe(64);
  rig.outbox.push(...Array.from({ length: 70 }, () => entryOf(1_000)));
  await until("the large ones are stored", () => rig.records === 70_300);
  expect(rig.reads.findLast(({ brought }) => brought > 0)?.count).toBe(2);
  for (const { entries } of rig.stored) {
    expect(entries.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(2_000 + 1_000);
  }
  await rig.stop();
});

test("sales that are busy at once share a read", async () => {
  const sales = Array.from({ length: 8 }, (_, index) => `s${index}`);
  const before = Array.from({ length: 400 }, (_, index) => entryOf(1, sales[index % 8]));
  const rig = new Rig(2_000, sales, before);
  await until("all is stored", () => rig.records === 400);
  expect(Math.max(...rig.reads.map(({ brought }) => brought))).toBeLessThanOrEqual(64);
  await rig.stop();
});

test("asked to stop while it waits for more, it stores what it has and ends", async () => {
  const rig = new Rig(2_000, ["s"], [entryOf(5)]);
  await until("it has read", () => rig.reads.length === 1);
  await until("it waits for more", () => rig.pause.waits === 1);
  expect(rig.stored).toEqual([]);
  await rig.stop();
  expect(rig.records).toBe(5);
});
