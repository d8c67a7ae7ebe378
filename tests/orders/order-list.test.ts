import { expect, test } from "bun:test";

import { migrate, migrations } from "../../src/orders/migrate.ts";
import { writeOrders } from "../../src/orders/orders-table.ts";
import { type CommandEnd, sluice } from "./support/command.ts";
import { type Databases, describeEachDatabase, open } from "./support/databases.ts";

const orders = (...words: string[]): Promise<CommandEnd> => sluice("orders", ...words);

describeEachDatabase((databases: Databases) => {
  /** Orders 1 to `count` of the sale `s`, paid where the serial is even. */
  async function prepared(count: number, buyer = "ann"): Promise<string> {
    const url = await databases.create();
    const database = open(url);
    await migrate(database, migrations);
    await writeOrders(
      database,
      Array.from({ length: count }, (_, index) => ({
        sale: "s",
        record: {
          order: `s.${index + 1}.0123456789abcdef`,
          state: index % 2 === 1 ? ("paid" as const) : ("held" as const),
          serial: index + 1,
          quantity: 2,
          heldAtMs: 1_800_000_000_000,
          payByMs: 1_800_000_300_000,
          buyer,
          key: `k${index + 1}`,
          revision: 1,
          changedAtMs: 1_800_000_000_000,
          cause: "held" as const,
        },
      })),
    );
    await database.close();
    return url;
  }

  test("as JSON, it is one array of all orders, however many", async () => {
    const url = await prepared(2_500);
    const { code, out } = await orders("s", "--database", url, "--format", "json");
    const list = JSON.parse(out) as { serial: number }[];
    expect([code, list.length, list[0]?.serial, list.at(-1)?.serial]).toEqual([0, 2_500, 1, 2_500]);
    expect(list[0]).toEqual({
      serial: 1,
      order: "s.1.0123456789abcdef",
      state: "held",
      cause: "held",
      quantity: 2,
      buyer: "ann",
      key: "k1",
      heldAt: "2027-01-15T08:00:00.000Z",
      payBy: "2027-01-15T08:05:00.000Z",
      changedAt: "2027-01-15T08:00:00.000Z",
    } as never);
  });

  test("as CSV, a buyer with quotes and commas is one cell", async () => {
    const url = await prepared(1, 'a "b", c');
    const { out } = await orders("s", "--database", url, "--format", "csv");
    const [head, line] = out.split("\r\n");
    expect(head).toBe("serial,state,cause,quantity,heldAt,payBy,changedAt,order,buyer,key");
    expect(line).toEndWith(',s.1.0123456789abcdef,"a ""b"", c",k1');
  });

  test("as a table, only orders of the state that was asked for are shown", async () => {
    const url = await prepared(5);
    const { out } = await orders("s", "--database", url, "--state", "paid");
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/ +/)[0]),
    ).toEqual(["serial", "2", "4"]);
  });

  test("a sale without orders is an empty list in each format", async () => {
    const url = await prepared(1);
    for (const [format, text] of [
      ["json", "[\n]\n"],
      ["csv", "serial,"],
      ["table", "serial "],
    ] as const) {
      const { code, out } = await orders("none", "--database", url, "--format", format);
      expect(code).toBe(0);
      expect(out).toStartWith(text);
      expect(out.trimEnd().split("\n")).toHaveLength(format === "json" ? 2 : 1);
    }
  });

  test("a database without orders, a wrong state and a wrong format are explained", async () => {
    const url = await databases.create();
    const nothing = await orders("s", "--database", url);
    expect([nothing.code, nothing.said]).toEqual([1, expect.stringContaining("cannot be read")]);
    expect((await orders("s", "--database", url, "--state", "gone")).said).toContain(
      "--state is one of",
    );
    expect((await orders("s", "--database", url, "--format", "xml")).said).toContain(
      "--format is one of",
    );
    expect((await orders("s", "--database", "mysql://h/d")).said).toContain("it must be sqlite://");
  });
});
