import { orderId, type OrderRecord, parseOrderRecord } from "../sale/order.ts";
import type { HoldRequest, HoldResult, OrderChange, OrderRef } from "./ledger.ts";

/** One result of hold.lua: a serial, a refusal, or the record of a request sold before. */
export type EncodedResult = number | string;
/** One result of lookup.lua: the record, or 0 where the key has no order. */
export type EncodedLookup = 0 | string;

/** A batch as hold.lua reads it: flat, since nested tables cost Lua more than the rest of it. */
export function encodeHoldRequests(requests: readonly HoldRequest[]): string {
  const flat: (string | number)[] = [];
  for (const { key, buyer, quantity, token } of requests) {
    flat.push(key, buyer, quantity, token);
  }
  return JSON.stringify(flat);
}

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
  const results: HoldResult[] = [];
  for (let i = 0; i < encoded.length; i += 1) {
    const result = encoded[i] as EncodedResult;
    if (typeof result !== "number") {
      const { order, serial, quantity, payByMs: then } = parseOrderRecord(sale, result);
      results.push({ kind: "sold", order, serial, quantity, payByMs: then });
    } else if (result > 0) {
      const { token, quantity } = requests[i] as HoldRequest;
      const order = orderId(sale, result, token);
      results.push({ kind: "sold", order, serial: result, quantity, payByMs });
    } else {
      const refusal = refusals.get(result);
      if (refusal === undefined) {
        throw new Error(`hold: unknown result ${result}`);
      }
      results.push(refusal);
    }
  }
  return results;
}

/** The order of each key, or null where it has none. */
export function decodeLookupResults(
  sale: string,
  keys: readonly string[],
  encoded: readonly EncodedLookup[],
): (OrderRecord | null)[] {
  if (encoded.length !== keys.length) {
    throw new Error(`lookup: ${keys.length} keys, but ${encoded.length} results`);
  }
  return encoded.map((result) => (result === 0 ? null : parseOrderRecord(sale, result)));
}

const changeFailures: ReadonlyMap<number, OrderChange> = new Map<number, OrderChange>([
  [-1, { kind: "unknownOrder" }],
  [-2, { kind: "refund" }],
  [-3, { kind: "alreadyPaid" }],
]);

/** Names the results of confirm.lua and release.lua. */
export function decodeOrderChanges(
  sale: string,
  orders: readonly OrderRef[],
  encoded: readonly EncodedResult[],
): OrderChange[] {
  if (encoded.length !== orders.length) {
    throw new Error(`${orders.length} orders, but ${encoded.length} results`);
  }
  return encoded.map((result) => {
    if (typeof result === "string") {
      return { kind: "done", order: parseOrderRecord(sale, result) };
    }
    const failure = changeFailures.get(result);
    if (failure === undefined) {
      throw new Error(`change of an order: unknown result ${result}`);
    }
    return failure;
  });
}
