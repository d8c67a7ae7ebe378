import { describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";

import fc from "fast-check";

import { tokenPattern } from "../../src/sale/order.ts";
import { keyPattern, saleIdPattern } from "../../src/sale/sale.ts";
import {
  makeSecret,
  requestHash,
  secretId,
  secretPattern,
  TokenMaker,
} from "../../src/sale/tokens.ts";

const secret = "s".repeat(43);
const sale = fc.stringMatching(saleIdPattern);
const key = fc.stringMatching(keyPattern);
const buyer = fc.oneof({ weight: 1, arbitrary: fc.constant("") }, { weight: 4, arbitrary: key });
const secrets = fc.stringMatching(secretPattern);
const request = fc.tuple(secrets, sale, buyer, key);
type Request = readonly [secret: string, sale: string, buyer: string, key: string];

function tokenOf([its, id, who, what]: Request): string {
  return new TokenMaker(id, its).token(who, what);
}

describe("tokens", () => {
  test("are the first 22 characters of the HMAC, as another library makes it", () => {
    fc.assert(
      fc.property(request, ([its, id, who, what]) => {
        const message = ["\u0001", id, who, what].join("\0");
        const whole = createHmac("sha256", its).update(message).digest("base64url");
        expect(tokenOf([its, id, who, what])).toBe(whole.slice(0, 22));
      }),
    );
  });

  test("stay what they are: those of orders that are sold cannot change", () => {
    expect(tokenOf([secret, "tickets", "ann", "key-1"])).toBe("4Rx8AphjizW69RMTZOJt6x");
    expect(tokenOf([secret, "tickets", "", "key-1"])).toBe("djJQ9YUjz-uIad-BNhsZw-");
    expect(requestHash("ann", "key-1")).toBe("be-ssYDwmra");
    expect(secretId(secret)).toBe("77ed1edd4862b227");
  });

  test("are the same for the same request, whatever was asked for in between", () => {
    fc.assert(
      fc.property(request, fc.array(fc.tuple(buyer, key)), ([its, id, who, what], others) => {
        const maker = new TokenMaker(id, its);
        const first = maker.token(who, what);
        for (const other of others) {
          maker.token(...other);
        }
        expect(maker.token(who, what)).toBe(first);
        expect(first).toMatch(tokenPattern);
      }),
    );
  });

  test("are others for another secret, sale, buyer or key, and for whatever is shifted between these", () => {
    fc.assert(
      fc.property(request, request, (one, other) => {
        fc.pre(one.some((part, index) => part !== other[index]));
        expect(tokenOf(one)).not.toBe(tokenOf(other));
      }),
    );
    fc.assert(
      fc.property(request, fc.nat(3), request, (one, index, { [index]: part = "" }) => {
        fc.pre(one[index] !== part);
        expect(tokenOf(one.with(index, part) as unknown as Request)).not.toBe(tokenOf(one));
      }),
    );
  });

  test("tell buyer from key wherever the two are cut apart", () => {
    fc.assert(
      fc.property(key, fc.nat(128), fc.nat(128), (text, first, second) => {
        const [a, b] = [first % text.length, second % text.length];
        fc.pre(a !== b);
        const cut = (at: number): Request => [secret, "t", text.slice(0, at), text.slice(at)];
        expect(tokenOf(cut(a))).not.toBe(tokenOf(cut(b)));
        const hashes = [a, b].map((at) => requestHash(text.slice(0, at), text.slice(at)));
        expect(hashes[0]).not.toBe(hashes[1] as string);
      }),
    );
    expect(tokenOf([secret, "t", "a", "b c"])).not.toBe(tokenOf([secret, "t", "a b", "c"]));
    expect(tokenOf([secret, "t", "", "a"])).not.toBe(tokenOf([secret, "t", "a", ""]));
    expect(tokenOf([secret, "t", "a", "b"])).not.toBe(tokenOf([secret, "t\0a", "", "b"]));
  });

  test("of a hundred thousand requests are all different, as are their hashes", () => {
    const maker = new TokenMaker("tickets", secret);
    const count = 100_000;
    const tokens = new Set<string>();
    const hashes = new Set<string>();
    for (let n = 0; n < count; n += 1) {
      const [who, what] = [`buyer-${n % 317}`, `key-${Math.floor(n / 317)}`];
      tokens.add(maker.token(who, what));
      hashes.add(requestHash(who, what));
    }
    expect([tokens.size, hashes.size]).toEqual([count, count]);
  });

  test("show nothing of the secret in what names it", () => {
    fc.assert(
      fc.property(secrets, secrets, (one, other) => {
        expect(secretId(one)).toBe(createHash("sha1").update(one).digest("hex").slice(0, 16));
        expect(secretId(one) === secretId(other)).toBe(one === other);
      }),
    );
  });
});

test("a request's hash is 11 characters that anybody can make who knows buyer and key", () => {
  fc.assert(
    fc.property(buyer, key, (who, what) => {
      const whole = createHash("sha1").update(`${who}\0${what}`).digest("base64url");
      expect(requestHash(who, what)).toBe(whole.slice(0, 11));
      expect(requestHash(who, what)).toMatch(/^[\w-]{11}$/);
    }),
  );
});

test("a new secret is 256 bits, and another each time", () => {
  const made = Array.from({ length: 1_000 }, makeSecret);
  for (const its of made) {
    expect(its).toMatch(secretPattern);
    expect(Buffer.from(its, "base64url")).toHaveLength(32);
  }
  expect(new Set(made).size).toBe(made.length);
});
