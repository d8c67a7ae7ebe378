import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import type { SaleBooks, StreamEvent } from "../../src/audit/books.ts";
import { compareBooks } from "../../src/audit/compare-books.ts";

/** Books as the scripts keep them, written down a second time, in the plainest way. */
class Bookkeeper {
  readonly stock = new Map<string, string>();
  readonly orders = new Map<string, string>();
  readonly requests = new Map<string, string>();
  readonly buyers = new Map<string, string>();
  readonly deadlines = new Map<string, string>();
  readonly operations = new Map<string, string>();
  readonly events: StreamEvent[] = [];
  trimmed = false;

  constructor(total: number) {
    const fields = { total, held: 0, paid: 0, limit: 0, holdMs: 60_000, opensAtMs: 0, serial: 0 };
    for (const [name, value] of Object.entries({ ...fields, createdAtMs: 5_000, epoch: 5_000 })) {
      this.stock.set(name, String(value));
    }
    this.stock.set("state", "open");
    this.say({ event: "created", total: String(total) });
    this.say({ event: "open" });
  }

  get books(): SaleBooks {
    const { stock, orders, requests, buyers, deadlines, operations, events } = this;
    const ledgers = { stock, orders, requests, buyers, deadlines, operations };
    return { sale: "tickets", ...ledgers, events, trimmed: this.trimmed };
  }

  hold(buyer: string, quantity: number): void {
    if (quantity > this.left) {
      return;
    }
    const serial = this.add(this.stock, "serial", 1);
    const [key, token] = [`key-${serial}`, String(serial).padStart(16, "0")];
    const record = ["held", serial, quantity, 7_000, 9_000 + serial, token, buyer, key].join("\t");
    this.add(this.stock, "held", quantity);
    this.add(this.buyers, buyer, quantity);
    this.orders.set(String(serial), record);
    this.requests.set(key, String(serial));
    this.deadlines.set(`${serial}-${serial}`, String(9_000 + serial));
    this.say({ held: record });
  }

  restock(quantity: number): void {
    this.comeback();
    this.operations.set(`restock-${this.operations.size}`, String(quantity));
    this.add(this.stock, "total", quantity);
    this.say({ event: "restocked", quantity: String(quantity) });
  }

  end(which: number, state: "paid" | "released"): void {
    const [order, record] = [...this.orders][which] ?? [];
    const [before, serial, quantity, ...rest] = (record ?? "").split("\t");
    if (order === undefined || before !== "held") {
      return;
    }
    const cause = state === "paid" ? "paid" : "cancelled";
    const changed = [state, serial, quantity, ...rest, 2, 8_000, cause].join("\t");
    this.orders.set(order, changed);
    this.deadlines.delete(`${order}-${order}`);
    if (state === "released") {
      this.comeback();
      this.add(this.buyers, rest[3] ?? "", -Number(quantity));
    } else {
      this.add(this.stock, "paid", Number(quantity));
    }
    this.add(this.stock, "held", -Number(quantity));
    this.say({ [state]: changed });
  }

  private get left(): number {
    const [total, held, paid] = ["total", "held", "paid"].map((name) => this.stock.get(name));
    return Number(total) - Number(held) - Number(paid);
  }

  private comeback(): void {
    if (this.left === 0) {
      this.add(this.stock, "epoch", 1);
    }
  }

  private add(to: Map<string, string>, name: string, amount: number): number {
    const value = Number(to.get(name) ?? 0) + amount;
    to.set(name, String(value));
    return value;
  }

  private say(fields: Record<string, string>): void {
    this.events.push({ id: `${this.events.length + 1}-0`, fields });
  }
}

type Step = (keeper: Bookkeeper) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom("", "ann", "bob"), fc.integer({ min: 1, max: 3 })).map(
      ([buyer, quantity]): Step =>
        (keeper) =>
          keeper.hold(buyer, quantity),
    ),
  },
  fc.integer({ min: 1, max: 5 }).map(
    (quantity): Step =>
      (keeper) =>
        keeper.restock(quantity),
  ),
  fc.tuple(fc.nat({ max: 5 }), fc.constantFrom("paid" as const, "released" as const)).map(
    ([which, state]): Step =>
      (keeper) =>
        keeper.end(which, state),
  ),
);

/** Books of a sale in which at least one order is held. */
const keptBooks = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 30 }))
  .map(([total, steps]) => {
    const keeper = new Bookkeeper(total);
    keeper.hold("ann", 1);
    for (const take of steps) {
      take(keeper);
    }
    keeper.restock(1);
    keeper.hold("ann", 1);
    return keeper;
  });

/** What stands in the books and must not be changed, removed or added without being named. */
const ledgers = ["orders", "requests", "buyers", "deadlines", "operations"] as const;
const figures = ["total", "held", "paid", "serial", "state", "epoch", "createdAtMs"] as const;

const tampering: fc.Arbitrary<(keeper: Bookkeeper, which: number) => string> = fc.oneof(
  fc.constantFrom(...figures).map((name) => (keeper: Bookkeeper) => {
    const value = keeper.stock.get(name) ?? "";
    keeper.stock.set(name, name === "state" ? "paused" : String(Number(value) + 1_000));
    return `the figure ${name} was changed`;
  }),
  fc.constantFrom(...ledgers).map((name) => (keeper: Bookkeeper, which: number) => {
    const keys = [...keeper[name]].filter(([, value]) => value !== "0").map(([key]) => key);
    const key = keys[which % keys.length] ?? "";
    keeper[name].delete(key);
    return `${key} was taken out of ${name}`;
  }),
  fc.constantFrom(...ledgers).map((name) => (keeper: Bookkeeper, which: number) => {
    const keys = [...keeper[name].keys()];
    const key = keys[which % keys.length] ?? "";
    keeper[name].set(key, `${keeper[name].get(key)}1`);
    return `${key} was changed in ${name}`;
  }),
  fc.constantFrom(...ledgers).map((name) => (keeper: Bookkeeper) => {
    keeper[name].set("alien", "1");
    return `something alien was put into ${name}`;
  }),
  fc.constant((keeper: Bookkeeper, which: number) => {
    const told = keeper.events.filter(({ fields }) => fields["event"] !== "open");
    const id = told[which % told.length]?.id;
    const index = keeper.events.findIndex((entry) => entry.id === id);
    keeper.events.splice(index, 1);
    return `entry ${id} was taken out of the stream`;
  }),
  fc.constant((keeper: Bookkeeper, which: number) => {
    const told = keeper.events.filter(({ fields }) =>
      ["held", "total", "quantity"].some((name) => name in fields),
    );
    keeper.events.push({ id: "999-0", fields: told[which % told.length]?.fields ?? {} });
    return "an entry was put into the stream twice";
  }),
);

describe("the comparison of the books", () => {
  test("finds nothing in the books of an honest bookkeeper", () => {
    fc.assert(
      fc.property(keptBooks, (keeper) => {
        expect(compareBooks(keeper.books).differences).toEqual([]);
      }),
    );
  });

  test("finds nothing where the stream was trimmed, and counts what can no longer be seen", () => {
    fc.assert(
      fc.property(keptBooks, fc.nat(), (keeper, which) => {
        const gone = keeper.events.splice(0, which % (keeper.events.length + 1));
        keeper.trimmed = gone.length > 0;
        const { differences, trimmed } = compareBooks(keeper.books);
        expect(differences).toEqual([]);
        expect(trimmed).toBe(gone.filter(({ fields }) => "held" in fields).length);
      }),
    );
  });

  test("still misses an order whose event was not trimmed but lost", () => {
    const keeper = new Bookkeeper(9);
    for (const buyer of ["ann", "bob", "cyd"]) {
      keeper.hold(buyer, 1);
    }
    keeper.events.splice(0, 3);
    keeper.trimmed = true;
    keeper.events.splice(1, 1);
    expect(compareBooks(keeper.books).differences.map(({ text }) => text)).toEqual([
      "order 3: it has no held event in the stream",
    ]);
  });

  test("finds whatever was changed behind the bookkeeper's back", () => {
    fc.assert(
      fc.property(keptBooks, tampering, fc.nat(), (keeper, tamper, which) => {
        const what = tamper(keeper, which);
        const found = compareBooks(keeper.books);
        expect({ what, found: found.differenceCount > 0 }).toEqual({ what, found: true });
        expect(found.differences.length).toBe(found.differenceCount);
      }),
      { numRuns: 500 },
    );
  });

  test("counts all differences, but keeps a thousand", () => {
    const keeper = new Bookkeeper(1);
    for (let i = 0; i < 1_500; i += 1) {
      keeper.requests.set(`alien-${i}`, "nothing");
    }
    const result = compareBooks(keeper.books);
    expect(result.differenceCount).toBe(1_500);
    expect(result.differences.length).toBe(1_000);
  });
});
