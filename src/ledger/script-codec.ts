import { orderId, type OrderRecord, parseOrderRecord } from "../sale/order.ts";
import type { SaleSnapshot, SaleState } from "../sale/sale.ts";
import type {
  ChangeReply,
  Heartbeat,
  HoldReply,
  HoldRequest,
  HoldResult,
  LookupReply,
  OrderChange,
  OrderRef,
} from "./ledger.ts";
import { readSnapshot } from "./sale-fields.ts";
import { scriptStatus } from "./script-status.ts";

/** What a script of a node returned; its first item is the status. */
export type RawReply = readonly (string | number)[];

export interface ScriptReply {
  readonly raw: RawReply;
  /** Whether the durability that was asked for was reached. */
  readonly durable: boolean;
}

/** One result of a script: the record of an order, a serial that was just sold, or a `scriptStatus`. */
type EncodedResult = number | string;

/** A batch as hold.lua reads it: flat, since nested tables cost Lua more than the rest of it. */
export function encodeHoldRequests(requests: readonly HoldRequest[]): string {
  const flat: (string | number)[] = [];
  for (const { key, buyer, quantity, token } of requests) {
    flat.push(key, buyer, quantity, token);
  }
  return JSON.stringify(flat);
}

/** Orders as confirm.lua and release.lua read them. */
export function encodeOrderRefs(orders: readonly OrderRef[]): string {
  return JSON.stringify(orders.flatMap(({ serial, token }) => [serial, token]));
}

/** Of hold.lua. Throws if it is anything else, since then script and program differ. */
export function decodeHoldReply(
  sale: string,
  requests: readonly HoldRequest[],
  { raw, durable }: ScriptReply,
): HoldReply {
  const [, left, epoch, state, limit, opensAtMs, payByMs, results] = raw;
  const encoded = JSON.parse(String(results)) as EncodedResult[];
  return {
    left: Number(left),
    epoch: Number(epoch),
    state: state as SaleState,
    limit: Number(limit),
    opensAtMs: Number(opensAtMs),
    results: decodeHoldResults(sale, requests, encoded, Number(payByMs)),
    durable,
  };
}

/** Of heartbeat.lua. Throws if it is anything else. */
export function decodeHeartbeat({ raw }: ScriptReply): Heartbeat {
  const [nowMs = 0, changed = 0, livingWeight = 0, livingNodes = 0] = raw.slice(1).map(Number);
  if (raw.length !== 5 || !Number.isSafeInteger(nowMs + changed + livingWeight + livingNodes)) {
    throw new Error(`heartbeat: it returned ${JSON.stringify(raw)}`);
  }
  return { nowMs, changed, livingWeight, livingNodes };
}

/** Of read.lua; null: there is no such sale. Throws if it is anything else. */
export function decodeSale(sale: string, raw: unknown): SaleSnapshot | null {
  if (!Array.isArray(raw)) {
    throw new Error(`read: it returned ${JSON.stringify(raw)}`);
  }
  return raw[0] === scriptStatus.noSale ? null : readSnapshot(sale, raw);
}

/** Of lookup.lua. Throws if it is anything else. */
export function decodeLookupReply(
  sale: string,
  keys: readonly string[],
  { raw, durable }: ScriptReply,
): LookupReply {
  const encoded = JSON.parse(String(raw[1])) as EncodedResult[];
  return { orders: decodeLookupResults(sale, keys, encoded), durable };
}

/** Of confirm.lua and release.lua. Throws if it is anything else. */
export function decodeChangeReply(
  sale: string,
  orders: readonly OrderRef[],
  { raw, durable }: ScriptReply,
): ChangeReply {
  const [, left, epoch, results] = raw;
  const encoded = JSON.parse(String(results)) as EncodedResult[];
  const changes = decodeOrderChanges(sale, orders, encoded);
  return { left: Number(left), epoch: Number(epoch), results: changes, durable };
}

const refusals: ReadonlyMap<number, HoldResult> = new Map<number, HoldResult>([
  [scriptStatus.soldOut, { kind: "soldOut" }],
  [scriptStatus.notOnSale, { kind: "notOnSale" }],
  [scriptStatus.limitReached, { kind: "limitReached" }],
  [scriptStatus.fewerLeft, { kind: "fewerLeft" }],
  [scriptStatus.buyerMissing, { kind: "buyerMissing" }],
]);

function decodeHoldResults(
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
function decodeLookupResults(
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

function decodeOrderChanges(
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
