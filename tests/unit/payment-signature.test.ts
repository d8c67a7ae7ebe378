import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import {
  paymentIsSigned,
  signatureWindowSeconds,
  signPayment,
} from "../../src/node/http/signature.ts";

const secret = "a-secret-of-the-payment-system";
const now = 1_800_000_000;

describe("a payment's signature", () => {
  test("what was signed with the secret is taken, within the window on both sides", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: -600, max: 600 }), (body, ageSeconds) => {
        const signature = signPayment(secret, body, now - ageSeconds);
        const fresh = Math.abs(ageSeconds) <= signatureWindowSeconds;
        expect(paymentIsSigned(secret, body, signature, now)).toBe(fresh);
      }),
    );
  });

  test("another body, time or secret is refused", () => {
    const signature = signPayment(secret, "{}", now);
    expect(paymentIsSigned(secret, "{ }", signature, now)).toBe(false);
    expect(paymentIsSigned("another-secret-of-someone", "{}", signature, now)).toBe(false);
    expect(paymentIsSigned(secret, "{}", signature.replace(`t=${now}`, `t=${now + 1}`), now)).toBe(
      false,
    );
  });

  test("it is the HMAC-SHA256 of time, dot and body, as openssl makes it", () => {
    // printf '1800000000.{"a":1}' | openssl dgst -sha256 -hmac a-secret-of-the-payment-system
    expect(signPayment(secret, '{"a":1}', now)).toBe(
      "t=1800000000,v1=448c69805c15b9ae2fb4c29550ba1431266c84fd9b3cd70161da0e40546c8162",
    );
  });

  test("anything that is no signature is refused, and nothing throws", () => {
    expect(paymentIsSigned(secret, "{}", null, now)).toBe(false);
    fc.assert(
      fc.property(fc.string(), (signature) => {
        expect(paymentIsSigned(secret, "{}", signature, now)).toBe(false);
      }),
    );
  });
});
