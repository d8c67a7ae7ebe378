import {
  encodeShortRecord,
  orderId,
  type OrderRecord,
  type OrderRef,
  readOrderRecord,
} from "../sale/order.ts";
import type { SaleSnapshot, SaleState } from "../sale/sale.ts";
import type {
  ChangeReply,
  Heartbeat,
  HoldBatch,
  HoldReply,
  HoldRequest,
  HoldResult,
  LookupReply,
  OrderChange,
  Unreadable,
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

/** One result of a script: the record of an order, or a `scriptStatus`. */
type EncodedResult = number | string;

/** A batch as hold.lua reads it: token, record, token, record, ... */
export function encodeHoldBatch({ ref, requests }: HoldBatch): string[] {
  const pairs: string[] = [];
  for (let place = 0; place < requests.length; place += 1) {
    const { token, quantity, buyer, hash } = requests[place] as HoldRequest;
    pairs.push(token, encodeShortRecord(place, quantity, buyer, ref, hash));
  }
  return pairs;
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
  const [, left, epoch, state, limit, opensAtMs, payByMs, first, rest] = raw;
  const results = soldResults(sale, requests, Number(first), Number(payByMs));
  const others = JSON.parse(String(rest)) as EncodedResult[];
  for (let i = 0; i < others.length; i += 2) {
    const place = Number(others[i]);
    const request = requests[place];
    if (request === undefined) {
      throw new Error(`hold: a result for place ${place} of ${requests.length}`);
    }
    results[place] = decodeHoldResult(sale, request, others[i + 1] as EncodedResult);
  }
  return {
    left: Number(left),
    epoch: Number(epoch),
    state: state as SaleState,
    limit: Number(limit),
    opensAtMs: Number(opensAtMs),
    results,
    durable,
  };
}

/** What is sold has the serial of its place. */
function soldResults(
  sale: string,
  requests: readonly HoldRequest[],
  first: number,
  payByMs: number,
): HoldResult[] {
  const results: HoldResult[] = [];
  for (let place = 0; place < requests.length; place += 1) {
    const { token, quantity } = requests[place] as HoldRequest;
    const serial = first + place;
    results.push({
      kind: "sold",
      order: orderId(sale, { serial, token }),
      serial,
      quantity,
      payByMs,
    });
  }
  return results;
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
  tokens: readonly string[],
  { raw, durable }: ScriptReply,
): LookupReply {
  const encoded = JSON.parse(String(raw[1])) as EncodedResult[];
  if (encoded.length !== tokens.length) {
    throw new Error(`lookup: ${tokens.length} tokens, but ${encoded.length} results`);
  }
  const orders = encoded.map((result, index) => {
    if (typeof result === "string") {
      return tryRead(tokens[index] ?? "", result) ?? unreadable;
    }
    if (result === scriptStatus.unreadable) {
      return unreadable;
    }
    if (result !== scriptStatus.noOrder) {
      throw new Error(`lookup: unknown result ${result}`);
    }
    return null;
  });
  return { orders, durable };
}

/** Of confirm.lua and release.lua. Throws if it is anything else. */
export function decodeChangeReply(
  orders: readonly OrderRef[],
  { raw, durable }: ScriptReply,
): ChangeReply {
  const [, left, epoch, results] = raw;
  const encoded = JSON.parse(String(results)) as EncodedResult[];
  const changes = decodeOrderChanges(orders, encoded);
  return { left: Number(left), epoch: Number(epoch), results: changes, durable };
}

const unreadable: Unreadable = { kind: "unreadable" };

const refusals: ReadonlyMap<number, HoldResult> = new Map<number, HoldResult>([
  [scriptStatus.soldOut, { kind: "soldOut" }],
  [scriptStatus.notOnSale, { kind: "notOnSale" }],
  [scriptStatus.limitReached, { kind: "limitReached" }],
  [scriptStatus.fewerLeft, { kind: "fewerLeft" }],
  [scriptStatus.buyerMissing, { kind: "buyerMissing" }],
  [scriptStatus.unreadable, unreadable],
]);

/** A record of the full form; null if it is none: that is that order's alone, and not its batch's. */
function tryRead(token: string, text: string): OrderRecord | null {
  try {
    return readOrderRecord(token, text, null);
  } catch {
    // The one thing that it throws; whoever hears of it reports it.
    return null;
  }
}

function decodeHoldResult(sale: string, { token }: HoldRequest, result: EncodedResult): HoldResult {
  if (typeof result === "string") {
    const record = tryRead(token, result);
    if (record === null) {
      return unreadable;
    }
    const { serial, quantity, payByMs } = record;
    return { kind: "sold", order: orderId(sale, record), serial, quantity, payByMs };
  }
  const refusal = refusals.get(result);
  if (refusal === undefined) {
    throw new Error(`hold: unknown result ${result}`);
  }
  return refusal;
}

const changeFailures: ReadonlyMap<number, OrderChange> = new Map<number, OrderChange>([
  [scriptStatus.noOrder, { kind: "unknownOrder" }],
  [scriptStatus.refund, { kind: "refund" }],
  [scriptStatus.alreadyPaid, { kind: "alreadyPaid" }],
  [scriptStatus.unreadable, unreadable],
]);

function decodeOrderChanges(
  orders: readonly OrderRef[],
  encoded: readonly EncodedResult[],
): OrderChange[] {
  if (encoded.length !== orders.length) {
    throw new Error(`${orders.length} orders, but ${encoded.length} results`);
  }
  return encoded.map((result, index) => {
    if (typeof result === "string") {
      const order = tryRead(orders[index]?.token ?? "", result);
      return order === null ? unreadable : { kind: "done", order };
    }
    const failure = changeFailures.get(result);
    if (failure === undefined) {
      throw new Error(`change of an order: unknown result ${result}`);
    }
    return failure;
  });
}
