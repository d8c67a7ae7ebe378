import { createHmac, timingSafeEqual } from "node:crypto";

/** How old or how far ahead a signature's time may be, in seconds: bounds what a replay can do. */
export const signatureWindowSeconds = 300;

/**
 * `X-Sluice-Signature` of a body: `t=<unix seconds>,v1=<hex HMAC-SHA256(secret, t + "." + body)>`.
 */
export function signPayment(secret: string, body: string, nowSeconds: number): string {
  return `t=${nowSeconds},v1=${digest(secret, nowSeconds, body)}`;
}

/** Whether a body was signed with the secret, within the window around `nowSeconds`. */
export function paymentIsSigned(
  secret: string,
  body: string,
  signature: string | null,
  nowSeconds: number,
): boolean {
  const parts = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(signature ?? "");
  const [, time, given] = parts ?? [];
  if (time === undefined || given === undefined) {
    return false;
  }
  if (Math.abs(nowSeconds - Number(time)) > signatureWindowSeconds) {
    return false;
  }
  // In constant time, so that a guess learns nothing from how long the answer takes.
  return timingSafeEqual(Buffer.from(given), Buffer.from(digest(secret, Number(time), body)));
}

function digest(secret: string, seconds: number, body: string): string {
  return createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
}
