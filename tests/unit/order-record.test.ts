import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { orderId, parseOrderId, parseOrderRecord } from "../../src/sale/order.ts";
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
    ];
    for (const record of broken) {
      expect(() => parseOrderRecord("g101", record)).toThrow("sale g101");
    }
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
