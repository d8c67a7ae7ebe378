import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";

import fc from "fast-check";

import type { DeadRecord } from "../../src/ledger/outbox/dead-letters.ts";
import type { StreamEntry } from "../../src/ledger/outbox/entry.ts";
import type { Database } from "../../src/orders/database.ts";
import { migrate, migrations } from "../../src/orders/migrate.ts";
import { takeApart } from "../../src/orders/order-batch.ts";
import { OrderStore } from "../../src/orders/order-store.ts";
import { Pause } from "../../src/orders/pause.ts";
import { encodeFullRecord, encodeShortRecord } from "../../src/sale/order.ts";
import { describeEachDatabase, open, storedRows } from "./support/databases.ts";
import { orderOf, tokenOf } from "./support/sample-orders.ts";

setDefaultTimeout(60_000);

/** A store of a worker, what it acknowledged, and what became dead letters, by entry. */
class Rig {
  readonly database: Database;
  readonly acknowledged: string[] = [];
  readonly dead = new Map<string, readonly DeadRecord[]>();
  readonly store: OrderStore;

  constructor(url: string) {
    this.database = open(url);
    this.store = new OrderStore({
      database: this.database,
      group: {
        acknowledge: async (_, ids) => {
          this.acknowledged.push(...ids);
        },
        readSecret: () => Promise.resolve(null),
        tries: () => Promise.resolve(1),
        moveToDeadLetters: async (_, id, records) => {
          this.dead.set(id, records);
          return records.length;
        },
      },
      triesMax: 1,
      pause: new Pause(),
      onStored: () => undefined,
      // Two workers may be in each other's way: then one of them tries again.
      onDatabase: () => undefined,
      onPoison: () => undefined,
    });
  }
}

/** Which record of which order: revision 1 is held, 2 released, 3 paid. */
interface Told {
  readonly serial: number;
  readonly revision: number;
}

/** An entry of records, with short ones where all are held and follow each other, as in a batch. */
function entryOf(n: number, told: readonly Told[]): StreamEntry {
  const first = told[0]?.serial ?? 1;
  const isBatch = told.every(
    ({ serial, revision }, place) => revision === 1 && serial === first + place,
  );
  const { heldAtMs, payByMs } = orderOf(1).record;
  const lines = [isBatch ? `ref\t${first}\t${heldAtMs}\t${payByMs}` : ""];
  for (const [place, { serial, revision }] of told.entries()) {
    const { record } = orderOf(serial, revision, { heldAtMs, payByMs, changedAtMs: heldAtMs });
    const { token, buyer, hash } = record;
    const short = encodeShortRecord(place, 1, buyer, "ref", hash);
    lines.push(token, isBatch ? short : encodeFullRecord(record));
  }
  return { sale: "s", id: `1-${n}`, fields: ["n", "1", "orders", lines.join("\n")] };
}

const told = fc.record({
  serial: fc.integer({ min: 1, max: 60 }),
  revision: fc.integer({ min: 1, max: 3 }),
});
const held = fc
  .record({ first: fc.integer({ min: 1, max: 50 }), count: fc.integer({ min: 1, max: 60 }) })
  .map(({ first, count }) =>
    Array.from({ length: count }, (_, place) => ({ serial: first + place, revision: 1 })),
  );
const entries = fc.array(fc.oneof(held, fc.array(told, { minLength: 1, maxLength: 20 })), {
  minLength: 1,
  maxLength: 12,
});
/** Batches of a worker: numbers of entries, some of them more than once, in any order. */
const batches = fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 6 }), { maxLength: 5 });

describeEachDatabase((databases) => {
  let url = "";
  beforeEach(async () => {
    url = await databases.create();
    const database = open(url);
    await migrate(database, migrations);
    await database.close();
  });

  test("entries in any order, repeated and split among two workers, end as the newest record of each order", async () => {
    const workers = [new Rig(url), new Rig(url)] as const;
    await fc.assert(
      fc.asyncProperty(entries, batches, batches, async (all, first, second) => {
        await workers[0].database.run("DELETE FROM orders");
        await workers[0].database.run("DELETE FROM entries");
        const delivered = new Set<number>();
        const deliver = async ({ store, acknowledged }: Rig, some: number[][]) => {
          for (const batch of some) {
            const numbers = batch.filter((n) => n < all.length);
            acknowledged.length = 0;
            await store.store(numbers.map((n) => takeApart(entryOf(n, all[n] ?? []))));
            expect(acknowledged).toEqual(numbers.map((n) => `1-${n}`));
            numbers.forEach((n) => delivered.add(n));
          }
        };
        // SQLite waits in our only thread for another writer, so these two take turns.
        if (workers[0].database.dialect === "sqlite") {
          for (const index of [0, 1, 2, 3, 4]) {
            await deliver(workers[0], first.slice(index, index + 1));
            await deliver(workers[1], second.slice(index, index + 1));
          }
        } else {
          await Promise.all([deliver(workers[0], first), deliver(workers[1], second)]);
        }
        const newest = new Map<number, number>();
        for (const { serial, revision } of [...delivered].flatMap((n) => all[n] ?? [])) {
          newest.set(serial, Math.max(revision, newest.get(serial) ?? 0));
        }
        const rows = await storedRows(url);
        expect(
          rows.map(({ serial, token, revision, state }) => [serial, token, revision, state]),
        ).toEqual(
          [...newest]
            .sort(([a], [b]) => a - b)
            .map(([serial, revision]) => {
              const { token, state } = orderOf(serial, revision).record;
              return [serial, token, revision, state];
            }),
        );
        const noted = await workers[0].database.run("SELECT id, records FROM entries");
        expect(new Map(noted.map(({ id, records }) => [id, Number(records)]))).toEqual(
          new Map([...delivered].map((n) => [`1-${n}`, all[n]?.length ?? 0])),
        );
      }),
      { numRuns: 30 },
    );
    expect([workers[0].dead.size, workers[1].dead.size]).toEqual([0, 0]);
    await Promise.all(workers.map(({ database }) => database.close()));
  });

  test("whichever orders of a batch are refused, these alone become dead letters, and all others are stored", async () => {
    const rig = new Rig(url);
    const twins = fc.uniqueArray(fc.integer({ min: 1, max: 120 }), { maxLength: 8 });
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 119 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(twins, cuts, async (refused, bounds) => {
        await rig.database.run("DELETE FROM orders");
        await rig.database.run("DELETE FROM entries");
        rig.dead.clear();
        rig.acknowledged.length = 0;
        for (const serial of refused) {
          const { record } = orderOf(serial, 1, { token: tokenOf(serial + 1_000) });
          const text = `\n${record.token}\n${encodeFullRecord(record)}`;
          const fields = ["n", "1", "orders", text];
          await rig.store.store([takeApart({ sale: "s", id: `0-${serial}`, fields })]);
        }
        rig.acknowledged.length = 0;
        const ends = [0, ...bounds.sort((a, b) => a - b), 120];
        const parts = ends.slice(1).map((end, n) => {
          const start = ends[n] ?? 0;
          return Array.from({ length: end - start }, (_, place) => ({
            serial: start + place + 1,
            revision: 1,
          }));
        });
        await rig.store.store(parts.map((part, n) => takeApart(entryOf(n, part))));
        const rows = await storedRows(url);
        expect(rows.map(({ serial }) => serial)).toEqual(
          Array.from({ length: 120 }, (_, n) => n + 1),
        );
        const others = rows.filter(({ serial, token }) => token !== tokenOf(serial));
        expect(others.map(({ serial }) => serial)).toEqual(refused.sort((a, b) => a - b));
        const dead = [...rig.dead].flatMap(([id, records]) =>
          records.map(({ place, token }) => {
            const { serial } = parts[Number(id.split("-")[1])]?.[place] ?? { serial: 0 };
            expect(token).toBe(tokenOf(serial));
            return serial;
          }),
        );
        expect(dead.sort((a, b) => a - b)).toEqual(refused);
        // The script that makes the dead letters acknowledges theirs.
        const ids = parts.map((_, n) => `1-${n}`);
        expect(rig.acknowledged).toEqual(ids.filter((id) => !rig.dead.has(id)));
      }),
      { numRuns: 25 },
    );
    await rig.database.close();
  });
});
