import type { HoldRequest, HoldResult } from "./ledger.ts";
import { type OrderRecord, parseOrderRecord } from "./order-record.ts";

/** One result of hold.lua: a serial, a refusal, or [order, record] of a request sold before. */
export type EncodedResult = number | readonly [order: string, record: string];
/** One result of lookup.lua: [order, record], or 0 where the key has no order. */
export type EncodedLookup = 0 | readonly [order: string, record: string];

const refusals: ReadonlyMap<number, HoldResult> = new Map<number, HoldResult>([
  [-1, { kind: "soldOut" }],
  [-2, { kind: "notOnSale" }],
  [-3, { kind: "limitReached" }],
  [-6, { kind: "fewerLeft" }],
  [-7, { kind: "buyerMissing" }],
]);

/** Names the results of hold.lua. Throws if they are none, since then script and program differ. */
export function decodeHoldResults(
  sale: string,
  requests: readonly HoldRequest[],
  encoded: readonly EncodedResult[],
  payByMs: number,
): HoldResult[] {
  if (encoded.length !== requests.length) {
    throw new Error(`hold: ${requests.length} requests, but ${encoded.length} results`);
  }
  return encoded.map((result, i) => {
    const request = requests[i] as HoldRequest;
    if (typeof result !== "number") {
      const record = parseOrderRecord(result[0], result[1]);
      const { order, serial, quantity } = record;
      return { kind: "sold", order, serial, quantity, payByMs: record.payByMs };
    }
    if (result > 0) {
      const order = `${sale}.${result}.${request.token}`;
      return { kind: "sold", order, serial: result, quantity: request.quantity, payByMs };
    }
    const refusal = refusals.get(result);
    if (refusal === undefined) {
      throw new Error(`hold: unknown result ${result}`);
    }
    return refusal;
  });
}

/** The order of each key, or null where it has none. */
export function decodeLookupResults(
  keys: readonly string[],
  encoded: readonly EncodedLookup[],
): (OrderRecord | null)[] {
  if (encoded.length !== keys.length) {
    throw new Error(`lookup: ${keys.length} keys, but ${encoded.length} results`);
  }
  return encoded.map((result) => (result === 0 ? null : parseOrderRecord(result[0], result[1])));
}
