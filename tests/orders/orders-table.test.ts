import { beforeEach, expect, test } from "bun:test";

import fc from "fast-check";

import { type Database, DatabaseError } from "../../src/orders/database.ts";
import { migrate, migrations } from "../../src/orders/migrate.ts";
import {
  listOrders,
  newestOrders,
  type SaleOrder,
  writeOrders,
} from "../../src/orders/orders-table.ts";
import type { OrderRecord, OrderState } from "../../src/sale/order.ts";
import { describeEachDatabase, open, storedRows } from "./support/databases.ts";

/** The record of an order of the sale `s` with this revision: held, released, paid. */
function orderOf(serial: number, revision = 1, more: Partial<OrderRecord> = {}): SaleOrder {
  const state = (["held", "released", "paid"] as const)[revision - 1] ?? "paid";
  const cause = (["held", "lapsed", "revived"] as const)[revision - 1] ?? "paid";
  const record: OrderRecord = {
    order: `s.${serial}.${serial.toString(16).padStart(16, "0")}`,
    state,
    serial,
    quantity: 1,
    heldAtMs: 1_800_000_000_000 + serial,
    payByMs: 1_800_000_600_000 + serial,
    buyer: "ann",
    key: `k${serial}`,
    revision,
    changedAtMs: 1_800_000_000_000 + serial + revision,
    cause,
    ...more,
  };
  return { sale: "s", record };
}

describeEachDatabase((databases) => {
  let url = "";
  let database: Database;
  beforeEach(async () => {
    url = await databases.create();
    database = open(url);
    await migrate(database, migrations);
    return () => database.close();
  });

  test("each order is stored once with its newest state, whatever the order of delivery, the batches and the repetitions", async () => {
    const told = fc.record({
      serial: fc.integer({ min: 1, max: 6 }),
      revision: fc.integer({ min: 1, max: 3 }),
    });
    const batches = fc.array(fc.array(told, { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(batches, async (deliveries) => {
        await database.run("DELETE FROM orders");
        const newest = new Map<number, number>();
        for (const batch of deliveries) {
          await writeOrders(
            database,
            batch.map(({ serial, revision }) => orderOf(serial, revision)),
          );
          for (const { serial, revision } of batch) {
            newest.set(serial, Math.max(revision, newest.get(serial) ?? 0));
          }
        }
        const rows = await storedRows(url);
        const expected = [...newest]
          .sort(([a], [b]) => a - b)
          .map(([serial, revision]) => {
            const { order, state, cause } = orderOf(serial, revision).record;
            return [order, serial, revision, state, cause];
          });
        expect(
          rows.map(({ order, serial, revision, state, cause }) => [
            order,
            serial,
            revision,
            state,
            cause,
          ]),
        ).toEqual(expected as never);
      }),
      { numRuns: 40 },
    );
  });

  test("keys and buyers of any printable characters come back as they are", async () => {
    const printable = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 128,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(printable, { minLength: 1, maxLength: 20 }),
        fc.oneof(printable, fc.constantFrom("", "NULL", "null", "{}", '"', "\\", "{a,b}", "'")),
        async (keys, buyer) => {
          await database.run("DELETE FROM orders");
          await writeOrders(
            database,
            keys.map((key, index) => orderOf(index + 1, 1, { key, buyer })),
          );
          const rows = await storedRows(url);
          expect(rows.map((row) => row.key)).toEqual(keys);
          expect(new Set(rows.map((row) => row.buyer))).toEqual(new Set([buyer]));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("every column is what the ledger said, at the limits of its numbers too", async () => {
    const most = { serial: 999_999_999_999_999, quantity: 1_000_000_000, revision: 2 };
    const order = orderOf(1, 2, { ...most, order: "s.999999999999999.00000000000000ff" });
    await writeOrders(database, [order]);
    const [row] = await database.run("SELECT * FROM orders");
    const { record } = order;
    expect(
      Object.fromEntries(Object.entries(row ?? {}).map(([name, v]) => [name, String(v)])),
    ).toEqual({
      order_id: record.order,
      sale: "s",
      serial: "999999999999999",
      request_key: "k1",
      buyer: "ann",
      quantity: "1000000000",
      state: "released",
      revision: "2",
      cause: "lapsed",
      held_at_ms: String(record.heldAtMs),
      pay_by_ms: String(record.payByMs),
      changed_at_ms: String(record.changedAtMs),
    });
  });

  test.each([
    ["the serial", { key: "another" }],
    ["the request key", { serial: 2 }],
  ] as const)(
    "a second order with %s of another is refused, as the data's fault",
    async (_, more) => {
      await writeOrders(database, [orderOf(1)]);
      const twin = orderOf(1, 1, { order: "s.1.ffffffffffffffff", ...more });
      const refusal = await writeOrders(database, [orderOf(3), twin]).catch(
        (error: unknown) => error,
      );
      expect(refusal).toBeInstanceOf(DatabaseError);
      expect((refusal as DatabaseError).fault).toBe("data");
      // The statement is its own transaction: order 3 was not stored either.
      expect((await storedRows(url)).map(({ serial }) => serial)).toEqual([1]);
    },
  );

  test("another sale may have the same serials and keys", async () => {
    const { record } = orderOf(1);
    await writeOrders(database, [
      orderOf(1),
      { sale: "t", record: { ...record, order: "t.1.0000000000000001" } },
    ]);
    expect((await storedRows(url)).map(({ sale, serial }) => [sale, serial])).toEqual([
      ["s", 1],
      ["t", 1],
    ]);
  });

  test("an empty batch is no statement at all", async () => {
    await database.run("DROP TABLE orders");
    await writeOrders(database, []);
  });

  test("a list shows the orders of one sale by serial, page after page, or those of one state", async () => {
    const count = 2_345;
    const orders = Array.from({ length: count }, (_, i) => orderOf(count - i, (i % 3) + 1));
    await writeOrders(database, orders);
    const listed = async (state: OrderState | null) => {
      const pages: number[][] = [];
      for await (const page of listOrders(database, "s", state)) {
        pages.push(page.map(({ serial }) => Number(serial)));
      }
      return pages;
    };
    const all = await listed(null);
    expect(all.length).toBe(3);
    expect(all.flat()).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    const paid = orders.filter(({ record }) => record.state === "paid");
    expect((await listed("paid")).flat()).toEqual(
      paid.map(({ record }) => record.serial).sort((a, b) => a - b),
    );
  });
});

test("of a batch, the newest record of each order is written, in an order that two workers share", () => {
  const batch = [orderOf(2, 1), orderOf(1, 3), orderOf(2, 2), orderOf(1, 1)];
  const forwards = newestOrders(batch);
  expect(forwards.map(({ record }) => [record.serial, record.revision])).toEqual([
    [1, 3],
    [2, 2],
  ]);
  expect(newestOrders(batch.toReversed())).toEqual(forwards);
});
