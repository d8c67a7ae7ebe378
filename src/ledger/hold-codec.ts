import { orderId, type OrderRecord, parseOrderRecord } from "../sale/order.ts";
import type { HoldRequest, HoldResult, OrderChange, OrderRef } from "./ledger.ts";
import { scriptStatus } from "./script-status.ts";

/** One result of a script: the record of an order, a serial that was just sold, or a `scriptStatus`. */
export type EncodedResult = number | string;

/** A batch as hold.lua reads it: flat, since nested tables cost Lua more than the rest of it. */
export function encodeHoldRequests(requests: readonly HoldRequest[]): string {
  const flat: (string | number)[] = [];
  for (const { key, buyer, quantity, token } of requests) {
    flat.push(key, buyer, quantity, token);
  }
  return JSON.stringify(flat);
}

const refusals: ReadonlyMap<number, HoldResult> = new Map<number, HoldResult>([
  [scriptStatus.soldOut, { kind: "soldOut" }],
  [scriptStatus.notOnSale, { kind: "notOnSale" }],
  [scriptStatus.limitReached, { kind: "limitReached" }],
  [scriptStatus.fewerLeft, { kind: "fewerLeft" }],
  [scriptStatus.buyerMissing, { kind: "buyerMissing" }],
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
  encoded: readonly EncodedResult[],
): (OrderRecord | null)[] {
  if (encoded.length !== keys.length) {
    throw new Error(`lookup: ${keys.length} keys, but ${encoded.length} results`);
  }
  return encoded.map((result) => {
    if (typeof result === "string") {
      return parseOrderRecord(sale, result);
    }
    if (result !== scriptStatus.noOrder) {
      throw new Error(`lookup: unknown result ${result}`);
    }
    return null;
  });
}

const changeFailures: ReadonlyMap<number, OrderChange> = new Map<number, OrderChange>([
  [scriptStatus.noOrder, { kind: "unknownOrder" }],
  [scriptStatus.refund, { kind: "refund" }],
  [scriptStatus.alreadyPaid, { kind: "alreadyPaid" }],
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
