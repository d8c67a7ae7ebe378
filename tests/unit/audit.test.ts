import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import type { SaleBooks } from "../../src/audit/books.ts";
import { compareBooks } from "../../src/audit/compare-books.ts";
import type { StreamEntry } from "../../src/ledger/outbox/entry.ts";

/** Books as the scripts keep them, written down a second time, in the plainest way. */
class Bookkeeper {
  readonly stock = new Map<string, string>();
  readonly orders = new Map<string, string>();
  readonly batches = new Map<string, string>();
  readonly buyers = new Map<string, string>();
  readonly deadlines = new Map<string, string>();
  readonly operations = new Map<string, string>();
  readonly events: StreamEntry[] = [];
  secretId: string | null = "0123456789abcdef";
  trimmed = false;

  constructor(total: number, limit = 0) {
    const fields = { total, held: 0, paid: 0, limit, holdMs: 60_000, opensAtMs: 0, serial: 0 };
    const others = { records: 0, revision: 0, createdAtMs: 5_000, epoch: 5_000 };
    for (const [name, value] of Object.entries({ ...fields, ...others })) {
      this.stock.set(name, String(value));
    }
    this.stock.set("state", "scheduled");
    this.stock.set("secretId", "0123456789abcdef");
    this.define("created");
    this.stock.set("state", "open");
    this.define("open");
  }

  get books(): SaleBooks {
    const { stock, orders, batches, buyers, deadlines, operations, events } = this;
    const ledgers = { stock, orders, batches, buyers, deadlines, operations };
    const { secretId, trimmed } = this;
    return { sale: "tickets", ...ledgers, events, secretId, trimmed };
  }

  /** A batch of so many orders; as many places as that are before it got nothing. */
  hold(buyer: string, quantity: number, orders = 1, gap = 0): void {
    const count = Math.min(orders, Math.floor(this.left / quantity));
    if (count === 0) {
      return;
    }
    const first = this.figure("serial") + 1;
    const isBatch = count >= 4;
    const [ref, payBy] = [`node.${first}`, 9_000 + first];
    const lines: string[] = [];
    for (let i = 0; i < count; i += 1) {
      const place = gap + i;
      const serial = first + place;
      const [token, hash] = [tokenOf(serial), hashOf(serial)];
      const whole = ["held", serial, quantity, 7_000, payBy, buyer, 1, 7_000, "held", hash];
      const record = isBatch ? [place, quantity, buyer, ref, hash] : whole;
      lines.push(token, record.join("\t"));
      this.orders.set(token, record.join("\t"));
      if (!isBatch) {
        this.deadlines.set(`o${token}`, String(payBy));
      }
    }
    this.add(this.stock, "serial", gap + count);
    this.add(this.stock, "held", quantity * count);
    this.count(buyer, quantity * count);
    const head = isBatch ? [ref, first, 7_000, payBy].join("\t") : "";
    const id = this.write(head, lines);
    if (isBatch) {
      this.batches.set(ref, [id, first, 7_000, payBy, count].join("\t"));
      this.deadlines.set(`b${ref}`, String(payBy));
    }
  }

  restock(quantity: number): void {
    this.comeback();
    this.operations.set(`restock-${this.operations.size}`, String(quantity));
    this.add(this.stock, "total", quantity);
    this.define("restocked");
  }

  end(which: number, state: "paid" | "released"): void {
    const [token, record] = [...this.orders][which] ?? [];
    const full = token === undefined ? null : this.fullOf(record ?? "");
    if (token === undefined || full?.[0] !== "held") {
      return;
    }
    const [, serial, quantity = "", heldAt, payBy, buyer = ""] = full;
    const [cause, hash] = [state === "paid" ? "paid" : "cancelled", full.at(-1)];
    const change = [state, serial, quantity, heldAt, payBy, buyer, 2, 8_000, cause, hash];
    this.leaveBatch(record ?? "");
    this.deadlines.delete(`o${token}`);
    this.orders.set(token, change.join("\t"));
    if (state === "released") {
      this.comeback();
      this.count(buyer, -Number(quantity));
    } else {
      this.add(this.stock, "paid", Number(quantity));
    }
    this.add(this.stock, "held", -Number(quantity));
    this.write("", [token, change.join("\t")]);
  }

  /** A dead letter that is sent back: the record of an entry, as it was then. */
  sendBack(which: number): void {
    const entries = this.events.filter(({ fields }) => fields?.[2] === "orders");
    const lines = entries[which % Math.max(1, entries.length)]?.fields?.[3]?.split("\n") ?? [];
    const [head = "", token = "", record = ""] = lines;
    if (token !== "") {
      this.write("", [token, this.fullOf(record, head).join("\t")], ["letter", "5-0"]);
    }
  }

  /** Forgets entries as trim-events.lua does: none whose batch lives. Returns those that go. */
  trim(most: number): StreamEntry[] {
    const pinned = this.events.findIndex(({ id }) =>
      [...this.batches.values()].some((row) => row.startsWith(`${id}\t`)),
    );
    const gone = this.events.splice(0, Math.min(most, pinned === -1 ? most : pinned));
    this.trimmed = gone.length > 0;
    return gone;
  }

  /** Writes an entry of orders; returns its id. */
  write(head: string, lines: readonly string[], more: readonly string[] = []): string {
    const records = this.add(this.stock, "records", lines.length / 2);
    return this.append(["n", String(records), "orders", [head, ...lines].join("\n"), ...more]);
  }

  figure(name: string): number {
    return Number(this.stock.get(name));
  }

  private get left(): number {
    return this.figure("total") - this.figure("held") - this.figure("paid");
  }

  /** The fields of a record in the full form; `head`: of its batch, where that has no row any more. */
  private fullOf(record: string, head = ""): string[] {
    const fields = record.split("\t");
    const [place, quantity = "", buyer = "", ref = "", hash = ""] = fields;
    if (fields.length !== 5) {
      return fields;
    }
    const row = (head === "" ? this.batches.get(ref) : head) ?? "";
    const [, first, heldAt = "", payBy = ""] = row.split("\t");
    const serial = String(Number(first) + Number(place));
    return ["held", serial, quantity, heldAt, payBy, buyer, "1", heldAt, "held", hash];
  }

  private leaveBatch(record: string): void {
    const fields = record.split("\t");
    const ref = fields[3] ?? "";
    const row = fields.length === 5 ? (this.batches.get(ref) ?? "").split("\t") : [];
    const living = Number(row.pop()) - 1;
    if (living > 0) {
      this.batches.set(ref, [...row, living].join("\t"));
    } else if (row.length > 0) {
      this.batches.delete(ref);
      this.deadlines.delete(`b${ref}`);
    }
  }

  private count(buyer: string, tickets: number): void {
    if (this.figure("limit") > 0 && this.add(this.buyers, buyer, tickets) === 0) {
      this.buyers.delete(buyer);
    }
  }

  private define(cause: string): void {
    const revision = this.add(this.stock, "revision", 1);
    const names = ["state", "total", "limit", "holdMs", "opensAtMs", "secretId"];
    const what = names.map((name) => this.stock.get(name) ?? "");
    const text = [revision, 6_000, cause, ...what].join("\t");
    this.append(["n", this.stock.get("records") ?? "", "sale", text]);
  }

  private append(fields: readonly string[]): string {
    const id = `${this.events.length + 1}-0`;
    this.events.push({ sale: "tickets", id, fields });
    return id;
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
}

function tokenOf(serial: number): string {
  return String(serial).padStart(22, "t");
}

function hashOf(serial: number): string {
  return String(serial).padStart(11, "h");
}

/** Records of `held` orders in these entries. */
function heldIn(entries: readonly StreamEntry[]): number {
  const records = entries.flatMap(({ fields }) =>
    fields?.[2] === "orders" && fields[4] === undefined ? (fields[3] ?? "").split("\n") : [],
  );
  return records.filter(
    (line) => line.startsWith("held\t") || /^\d+\t\d+\t.*\tnode\.\d+\t/.test(line),
  ).length;
}

type Step = (keeper: Bookkeeper) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        buyer: fc.constantFrom("ann", "bob"),
        quantity: fc.integer({ min: 1, max: 3 }),
        orders: fc.integer({ min: 1, max: 7 }),
        gap: fc.nat({ max: 2 }),
      })
      .map(
        ({ buyer, quantity, orders, gap }): Step =>
          (keeper) =>
            keeper.hold(buyer, quantity, orders, gap),
      ),
  },
  fc.integer({ min: 1, max: 5 }).map(
    (quantity): Step =>
      (keeper) =>
        keeper.restock(quantity),
  ),
  fc.nat().map(
    (which): Step =>
      (keeper) =>
        keeper.sendBack(which),
  ),
  fc.tuple(fc.nat({ max: 9 }), fc.constantFrom("paid" as const, "released" as const)).map(
    ([which, state]): Step =>
      (keeper) =>
        keeper.end(which, state),
  ),
);

/** Books of a sale in which a batch and an order without one are held, and a buyer is counted. */
const keptBooksOf = (limit: fc.Arbitrary<number>) =>
  fc
    .tuple(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 30 }), limit)
    .map(([total, steps, most]) => {
      const keeper = new Bookkeeper(total, most);
      keeper.hold("ann", 1);
      for (const take of steps) {
        take(keeper);
      }
      keeper.restock(6);
      keeper.hold("ann", 1, 5);
      keeper.hold("bob", 1);
      return keeper;
    });

const keptBooks = keptBooksOf(fc.constant(1_000));

/** What stands in the books and must not be changed, removed or added without being named. */
const ledgers = ["orders", "batches", "buyers", "deadlines", "operations"] as const;
const figures = ["total", "held", "paid", "state", "epoch", "createdAtMs", "limit"] as const;
const others = ["records", "revision", "holdMs", "opensAtMs", "secretId"] as const;

const tampering: fc.Arbitrary<(keeper: Bookkeeper, which: number) => string> = fc.oneof(
  fc.constantFrom(...figures, ...others).map((name) => (keeper: Bookkeeper) => {
    const value = keeper.stock.get(name) ?? "";
    keeper.stock.set(name, name === "state" ? "paused" : String(Number(value) + 1_000));
    return `the figure ${name} was changed`;
  }),
  fc.constant((keeper: Bookkeeper) => {
    keeper.stock.set("serial", String(keeper.figure("serial") - 1));
    return "the serial went back";
  }),
  fc.constantFrom(null, "fedcba9876543210").map((id) => (keeper: Bookkeeper) => {
    keeper.secretId = id;
    return `the secret became ${id}`;
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
    const index = which % keeper.events.length;
    const [gone] = keeper.events.splice(index, 1);
    return `entry ${gone?.id} was taken out of the stream`;
  }),
  fc.constant((keeper: Bookkeeper, which: number) => {
    const again = keeper.events[which % keeper.events.length];
    keeper.events.push({ sale: "tickets", id: "999-0", fields: again?.fields ?? [] });
    return `entry ${again?.id} was put into the stream twice`;
  }),
  fc.constant((keeper: Bookkeeper, which: number) => {
    const index = which % keeper.events.length;
    const { id = "", fields } = keeper.events[index] ?? {};
    const text = (fields?.[3] ?? "").replace(/(?<=\t)1(?=\t)/, "2");
    const changed = [...(fields?.slice(0, 3) ?? []), text === fields?.[3] ? "?" : text];
    keeper.events[index] = {
      sale: "tickets",
      id,
      fields: [...changed, ...(fields?.slice(4) ?? [])],
    };
    return `entry ${id} was changed`;
  }),
);

describe("the comparison of the books", () => {
  test("finds nothing in the books of an honest bookkeeper", () => {
    fc.assert(
      fc.property(keptBooksOf(fc.constantFrom(0, 1_000)), (keeper) => {
        expect(compareBooks(keeper.books).differences).toEqual([]);
      }),
    );
  });

  test("finds nothing where the stream was trimmed, and counts what can no longer be seen", () => {
    fc.assert(
      fc.property(keptBooks, fc.nat(), (keeper, which) => {
        const gone = keeper.trim(which % (keeper.events.length + 1));
        const { differences, trimmed } = compareBooks(keeper.books);
        expect(differences).toEqual([]);
        expect(trimmed).toBe(heldIn(gone));
      }),
    );
  });

  test("still misses an order whose event was not trimmed but lost", () => {
    const keeper = new Bookkeeper(9);
    for (const buyer of ["ann", "bob", "cyd"]) {
      keeper.hold(buyer, 1);
    }
    keeper.trim(3);
    keeper.events.splice(1, 1);
    expect(compareBooks(keeper.books).differences.map(({ text }) => text)).toEqual([
      "stock: it counts 3 records in the stream, the last entry 2",
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
      keeper.deadlines.set(`alien-${i}`, "nothing");
    }
    const result = compareBooks(keeper.books);
    expect(result.differenceCount).toBe(1_500);
    expect(result.differences.length).toBe(1_000);
  });
});
