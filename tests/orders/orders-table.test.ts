import { beforeEach, expect, test } from "bun:test";

import fc from "fast-check";

import { type Database, DatabaseError } from "../../src/orders/database.ts";
import { writeEntries } from "../../src/orders/entries-table.ts";
import { migrate, migrations } from "../../src/orders/migrate.ts";
import { newestOrders, type SaleOrder, writeOrders } from "../../src/orders/orders-table.ts";
import { readSaleSecret, writeSale } from "../../src/orders/sales-table.ts";
import { findOrders, listOrders, readStoredOrders } from "../../src/orders/stored-orders.ts";
import type { OrderState } from "../../src/sale/order.ts";
import type { SaleDefinition } from "../../src/sale/sale.ts";
import { describeEachDatabase, open, storedRows } from "./support/databases.ts";
import { orderOf, tokenOf } from "./support/sample-orders.ts";

const definition: SaleDefinition = {
  revision: 1,
  changedAtMs: 1_800_000_000_000,
  cause: "created",
  state: "scheduled",
  total: 1_000_000_000,
  limit: 2,
  holdMs: 600_000,
  opensAtMs: 0,
  secretId: "0123456789abcdef",
};

describeEachDatabase((databases) => {
  let url = "";
  let database: Database;
  beforeEach(async () => {
    url = await databases.create();
    database = open(url);
    await migrate(database, migrations);
    return () => database.close();
  });
  const write = (...orders: readonly SaleOrder[]): Promise<void> =>
    database.transaction(() => writeOrders(database, orders));

  test("each order is stored once with its newest state, whatever the order of delivery, the batches and the repetitions", async () => {
    const told = fc.record({
      serial: fc.integer({ min: 1, max: 130 }),
      revision: fc.integer({ min: 1, max: 3 }),
    });
    const batches = fc.array(fc.array(told, { minLength: 1, maxLength: 150 }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(batches, async (deliveries) => {
        await database.run("DELETE FROM orders");
        const newest = new Map<number, number>();
        for (const batch of deliveries) {
          await write(...batch.map(({ serial, revision }) => orderOf(serial, revision)));
          for (const { serial, revision } of batch) {
            newest.set(serial, Math.max(revision, newest.get(serial) ?? 0));
          }
        }
        const expected = [...newest]
          .sort(([a], [b]) => a - b)
          .map(([serial, revision]) => {
            const { token, state, cause } = orderOf(serial, revision).record;
            return [serial, token, revision, state, cause].join(" ");
          });
        const rows = await storedRows(url);
        expect(
          rows.map(({ serial, token, revision, state, cause }) =>
            [serial, token, revision, state, cause].join(" "),
          ),
        ).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  test("buyers of any printable characters come back as they are", async () => {
    const printable = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 128,
    });
    const odd = fc.constantFrom("", "NULL", "null", "{}", '"', "\\", "{a,b}", "'", "$1", "?");
    const buyers = fc.array(fc.oneof(printable, odd), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(buyers, async (some) => {
        await database.run("DELETE FROM orders");
        await write(...some.map((buyer, index) => orderOf(index + 1, 1, { buyer })));
        expect((await storedRows(url)).map((row) => row.buyer)).toEqual(some);
      }),
      { numRuns: 40 },
    );
  });

  test("every column is what the ledger said, at the limits of its numbers too", async () => {
    const most = { serial: 999_999_999_999_999, quantity: 1_000_000_000, revision: 2 };
    const order = orderOf(1, 2, most);
    await write(order);
    const [row] = await database.run("SELECT * FROM orders");
    const { record } = order;
    expect(
      Object.fromEntries(Object.entries(row ?? {}).map(([name, v]) => [name, String(v)])),
    ).toEqual({
      sale: "s",
      serial: "999999999999999",
      token: record.token,
      buyer: "ann",
      quantity: "1000000000",
      state: "released",
      revision: "2",
      cause: "lapsed",
      held_at_ms: String(record.heldAtMs),
      pay_by_ms: String(record.payByMs),
      changed_at_ms: String(record.changedAtMs),
      request_hash: record.hash,
      reference: "null",
      amount: "null",
      currency: "null",
    });
  });

  test.each([
    ["older", 1],
    ["as new", 2],
    ["newer", 3],
  ] as const)(
    "an order that has the serial of another one is refused, as the data's fault, be it %s",
    async (_, revision) => {
      await write(orderOf(1, 2));
      const twin = orderOf(1, revision, { token: tokenOf(99) });
      const refusal = await write(orderOf(3), twin).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(DatabaseError);
      expect(refusal).toMatchObject({ fault: "data" });
      expect(String(refusal)).toContain("another order of the sale has this serial");
      // One transaction: order 3 was not stored either.
      const rows = await storedRows(url);
      expect(rows.map(({ serial, token }) => [serial, token])).toEqual([[1, tokenOf(1)]]);
    },
  );

  test("two orders of one serial within a batch are refused the same way", async () => {
    const refusal = write(orderOf(1), orderOf(2), orderOf(1, 1, { token: tokenOf(99) }));
    await expect(refusal).rejects.toMatchObject({ fault: "data" });
    expect(await storedRows(url)).toEqual([]);
  });

  test("two orders of one token are stored, as where a request is made anew", async () => {
    await write(orderOf(1, 2), orderOf(5, 1, { token: tokenOf(1) }));
    expect((await storedRows(url)).map(({ serial }) => serial)).toEqual([1, 5]);
    const found = await findOrders(database, "s", tokenOf(1));
    expect(found.map(({ serial, state }) => [serial, state])).toEqual([
      [1, "released"],
      [5, "held"],
    ]);
  });

  test("another sale may have the same serials and tokens", async () => {
    await write(orderOf(1), { ...orderOf(1), sale: "t" });
    expect((await storedRows(url)).map(({ sale, serial }) => [sale, serial])).toEqual([
      ["s", 1],
      ["t", 1],
    ]);
  });

  test("no orders and no entries are no statement at all", async () => {
    await database.runAll("DROP TABLE orders; DROP TABLE entries");
    await writeOrders(database, []);
    await writeEntries(database, []);
  });

  test("a list shows the orders of one sale by serial, page after page, or those of one state", async () => {
    const count = 2_345;
    const orders = Array.from({ length: count }, (_, i) => orderOf(count - i, (i % 3) + 1));
    await write(...orders);
    const all = await listedSerials(database, null);
    expect(all.length).toBe(3);
    expect(all.flat()).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    const paid = orders.filter(({ record }) => record.state === "paid");
    expect((await listedSerials(database, "paid")).flat()).toEqual(
      paid.map(({ record }) => record.serial).sort((a, b) => a - b),
    );
  });

  test("an audit reads all orders of a sale, over gaps in its serials, as they were written", async () => {
    const serials = [1, 2, 9_999, 10_000, 10_001, 10_002, 500_000, 999_999_999_999_999];
    await write(...serials.map((serial) => orderOf(serial, 2)), { ...orderOf(3), sale: "t" });
    const read = [];
    for await (const page of readStoredOrders(database, "s")) {
      read.push(...page);
    }
    expect(read).toEqual(serials.map((serial) => ({ ...orderOf(serial, 2).record })) as never);
  });

  test("of a sale the newest definition stays, and its secret", async () => {
    const secret = "a".repeat(43);
    const change = (revision: number, total: number, sale = "s") => ({
      sale,
      definition: { ...definition, revision, total },
      secret,
    });
    for (const [revision, total] of [
      [2, 20],
      [1, 10],
      [3, 30],
      [3, 30],
      [2, 20],
    ] as const) {
      await writeSale(database, change(revision, total));
    }
    await writeSale(database, { ...change(4, 40), secret: null });
    const [row, ...more] = await database.run("SELECT * FROM sales");
    expect(more).toEqual([]);
    expect(
      Object.fromEntries(Object.entries(row ?? {}).map(([name, v]) => [name, String(v)])),
    ).toEqual({
      sale: "s",
      revision: "4",
      changed_at_ms: "1800000000000",
      cause: "created",
      state: "scheduled",
      total: "40",
      buyer_limit: "2",
      hold_ms: "600000",
      opens_at_ms: "0",
      secret_id: "0123456789abcdef",
    });
    expect(await readSaleSecret(database, "s")).toBe(secret);
    expect(await readSaleSecret(database, "another")).toBeNull();
  });

  test("a sale of another secret is refused, and so is another secret of a sale", async () => {
    const secret = "a".repeat(43);
    await writeSale(database, { sale: "s", definition, secret });
    const anew = { ...definition, secretId: "f".repeat(16) };
    const twin = writeSale(database, { sale: "s", definition: anew, secret: null });
    await expect(twin).rejects.toMatchObject({ fault: "data" });
    const other = writeSale(database, { sale: "s", definition, secret: "b".repeat(43) });
    await expect(other).rejects.toMatchObject({ fault: "data" });
    await expect(other).rejects.not.toThrow("bbb");
    expect(await readSaleSecret(database, "s")).toBe(secret);
  });

  test("an entry that is stored again is noted down once", async () => {
    const all = [1, 2, 3, 4].map((n) => ({ sale: "s", id: `1-${n}`, records: n }));
    await writeEntries(database, all.slice(0, 3));
    await writeEntries(database, all.slice(1));
    const rows = await database.run("SELECT id, term, records FROM entries ORDER BY id");
    expect(rows.map(({ id, term, records }) => [id, Number(term), records])).toEqual(
      [1, 2, 3, 4].map((n) => [`1-${n}`, 0, n]),
    );
  });
});

/** Serials of the sale `s`, page by page. */
async function listedSerials(database: Database, state: OrderState | null): Promise<number[][]> {
  const pages: number[][] = [];
  for await (const page of listOrders(database, "s", state)) {
    pages.push(page.map(({ serial }) => serial));
  }
  return pages;
}

test("of a batch, the newest record of each order is written, in an order that two workers share", () => {
  const batch = [orderOf(2, 1), orderOf(1, 3), orderOf(2, 2), orderOf(1, 1)];
  const forwards = newestOrders(batch);
  expect(forwards.map(({ record }) => [record.serial, record.revision])).toEqual([
    [1, 3],
    [2, 2],
  ]);
  expect(newestOrders(batch.toReversed())).toEqual(forwards);
});
