import { expect, setDefaultTimeout, test } from "bun:test";

import { migrate, migrations } from "../../src/orders/migrate.ts";
import { writeOrders } from "../../src/orders/orders-table.ts";
import { writeSale } from "../../src/orders/sales-table.ts";
import { requestHash, secretId, TokenMaker } from "../../src/sale/tokens.ts";
import { type CommandEnd, sluice, sluiceIn } from "./support/command.ts";
import { type Databases, describeEachDatabase, open } from "./support/databases.ts";

/** Each command is a program that starts. */
setDefaultTimeout(60_000);

const orders = (...words: string[]): Promise<CommandEnd> => sluice("orders", ...words);

const secret = "s".repeat(43);
const tokens = new TokenMaker("s", secret);

describeEachDatabase((databases: Databases) => {
  /** Orders 1 to `count` of the sale `s`, of the keys `k1` and so on; the even ones are paid. */
  async function prepared(count: number, buyer = "ann"): Promise<string> {
    const url = await databases.create();
    const database = open(url);
    await migrate(database, migrations);
    await writeOrders(
      database,
      Array.from({ length: count }, (_, index) => ({
        sale: "s",
        record: {
          token: tokens.token(buyer, `k${index + 1}`),
          state: index % 2 === 1 ? ("paid" as const) : ("held" as const),
          serial: index + 1,
          quantity: 2,
          heldAtMs: 1_800_000_000_000,
          payByMs: 1_800_000_300_000,
          buyer,
          revision: 1,
          changedAtMs: 1_800_000_000_000,
          cause: "held" as const,
          hash: requestHash(buyer, `k${index + 1}`),
        },
      })),
    );
    const rules = { total: 100, limit: 0, holdMs: 300_000, opensAtMs: 0 };
    const created = { revision: 1, changedAtMs: 1, cause: "created", state: "scheduled" } as const;
    const definition = { ...created, ...rules, secretId: secretId(secret) };
    await writeSale(database, { sale: "s", definition, secret });
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
      order: `s.1.${tokens.token("ann", "k1")}`,
      state: "held",
      cause: "held",
      quantity: 2,
      buyer: "ann",
      heldAt: "2027-01-15T08:00:00.000Z",
      payBy: "2027-01-15T08:05:00.000Z",
      changedAt: "2027-01-15T08:00:00.000Z",
    } as never);
  });

  test("as CSV, a buyer with quotes and commas is one cell", async () => {
    const url = await prepared(1, 'a "b", c');
    const { out } = await orders("s", "--database", url, "--format", "csv");
    const [head, line] = out.split("\r\n");
    expect(head).toBe("serial,state,cause,quantity,heldAt,payBy,changedAt,order,buyer");
    expect(line).toEndWith(`,s.1.${tokens.token('a "b", c', "k1")},"a ""b"", c"`);
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

  test("an order is found by its buyer and its key, which is read and never typed", async () => {
    const url = await prepared(5);
    const find = (input: string, ...words: string[]) =>
      sluiceIn({ input }, "orders", "s", "--database", url, "--key", "-", ...words);
    const found = await find("k4\n", "--buyer", "ann", "--format", "json");
    const list = JSON.parse(found.out) as { serial: number; order: string }[];
    expect([found.code, list.map(({ serial, order }) => [serial, order])]).toEqual([
      0,
      [[4, `s.4.${tokens.token("ann", "k4")}`]],
    ]);
    for (const other of [
      await find("k4", "--buyer", "bob"),
      await find("k4"),
      await find("k6", "--buyer", "ann"),
    ]) {
      expect([other.code, other.out]).toEqual([1, ""]);
      expect(other.said).toContain("sale s has no order of this key");
      expect(other.said).not.toContain("k4");
    }
    const typed = await orders("s", "--database", url, "--key", "k4");
    expect([typed.code, typed.said]).toEqual([1, expect.stringContaining("--key - for standard")]);
    expect(typed.said).not.toContain("k4");
    expect((await orders("s", "--database", url, "--buyer", "ann")).said).toContain("needs --key");
    expect((await find("k4", "--state", "paid")).said).toContain("leave --state out");
    expect((await find("k\t4")).said).toContain("printable ASCII");
    expect((await find(" \n")).said).toContain("--key - is empty");
  });

  test("an order without a buyer is found by its key alone; a sale that nobody stored is named", async () => {
    const url = await prepared(2, "");
    const words = ["--database", url, "--key", "-", "--format", "csv"];
    const found = await sluiceIn({ input: "k2" }, "orders", "s", ...words);
    expect(found.out.split("\r\n")[1]).toStartWith("2,paid,");
    const none = await sluiceIn({ input: "k2" }, "orders", "t", ...words);
    expect([none.code, none.said]).toEqual([1, expect.stringContaining("has no sale t")]);
  });

  test("a database of the form from before version 1 is refused with what to do", async () => {
    const url = await databases.create();
    const database = open(url);
    await database.run("CREATE TABLE orders (order_id TEXT)");
    await database.close();
    const { code, said } = await orders("s", "--database", url);
    expect([code, said]).toEqual([1, expect.stringMatching(/^sluice orders: .*before version 1/)]);
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
