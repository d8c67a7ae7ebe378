import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import fc from "fast-check";

import {
  orderCauses,
  orderId,
  orderStates,
  parseOrderId,
  parseOrderRecord,
  splitRecord,
  transitions,
} from "../../src/sale/order.ts";
import { keyPattern, saleIdPattern } from "../../src/sale/sale.ts";

const text = "held\t7\t2\t1000\t2000\t0123456789abcdef\tanna\tk 1";

describe("order records", () => {
  test("what hold.lua writes is read", () => {
    expect(parseOrderRecord("g101", text)).toEqual({
      order: "g101.7.0123456789abcdef",
      state: "held",
      serial: 7,
      quantity: 2,
      heldAtMs: 1000,
      payByMs: 2000,
      buyer: "anna",
      key: "k 1",
      revision: 1,
      changedAtMs: 1000,
      cause: "held",
    });
    const paid = `${text.replace("held", "paid")}\t2\t1500\tpaid`;
    expect(parseOrderRecord("g101", paid)).toMatchObject({
      state: "paid",
      revision: 2,
      cause: "paid",
    });
  });

  test("anything else is refused, with the sale and the text", () => {
    const broken = [
      "",
      "held",
      text.replace("held", "sold"),
      text.replace("7", "x"),
      text + "\u0000",
      `${text}\t2`,
      `${text}\t2\t1500\tpaid`,
      text.replace("held", "paid"),
      `${text.replace("held", "paid")}\t2\t1500\tlapsed`,
      `${text.replace("held", "released")}\t2\t1500\trevived`,
      `${text.replace("held", "released")}\t2\t1500\tlost`,
      `${text.replace("held", "released")}\t2\t1500\tlapsed\t`,
    ];
    for (const record of broken) {
      expect(() => parseOrderRecord("g101", record)).toThrow("sale g101");
    }
  });

  test("is taken apart into what never changes and what does", () => {
    const changed = `${text.replace("held", "released")}\t2\t1500\tlapsed`;
    expect(splitRecord(changed)).toMatchObject({ revision: "2", cause: "lapsed" });
    expect(splitRecord(changed)?.core).toBe(splitRecord(text)?.core as string);
    expect(splitRecord(text)?.core).toBe(text.slice("held\t".length));
  });

  test("an order id names its sale, and nothing else does", () => {
    fc.assert(
      fc.property(fc.stringMatching(saleIdPattern), fc.integer({ min: 1 }), (sale, serial) => {
        const token = "0123456789abcdef";
        expect(parseOrderId(orderId(sale, serial, token))).toEqual({ sale, serial, token });
      }),
    );
    for (const id of [
      "",
      "tickets",
      "tickets.1",
      "tickets.0.0123456789abcdef",
      "T.1.0123456789abcdef",
    ]) {
      expect(parseOrderId(id)).toBeNull();
    }
  });

  test("keys that could break a record apart are no keys", () => {
    for (const key of ["", "a\tb", "é", "\n", "x".repeat(129)]) {
      expect(keyPattern.test(key)).toBe(false);
    }
  });
});

describe("the life of an order", () => {
  test("every state and every cause is reached, each cause leads to one state, and begins at one", () => {
    expect([...new Set(transitions.map(({ to }) => to))].sort()).toEqual([...orderStates].sort());
    expect(transitions.map(({ cause }) => cause).sort()).toEqual([...orderCauses].sort());
    for (const { after, from } of transitions) {
      const reached = transitions.find(({ cause }) => cause === after)?.to ?? null;
      expect(from).toBe(reached);
    }
  });

  test("what was paid never changes, and what was cancelled is never sold to its buyer again", () => {
    const ends = orderCauses.filter((cause) => !transitions.some(({ after }) => after === cause));
    expect(ends).toEqual(["paid", "revived", "cancelled"]);
  });

  test("the database takes the same states, and names the same causes", async () => {
    const path = join(import.meta.dir, "../../src/orders/migrations/0001-orders.sql");
    const migration = await Bun.file(path).text();
    const checked = /CHECK \(state IN \((.*)\)\)/.exec(migration)?.[1];
    expect(checked).toBe(orderStates.map((state) => `'${state}'`).join(", "));
    expect(migration).toContain(`-- Why it has its state: ${orderCauses.join(", ")}.\n`);
  });
});
