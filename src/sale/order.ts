import { keyPattern } from "./sale.ts";

/** What an order is: see `transitions` for how it gets there. */
export const orderStates = ["held", "paid", "released"] as const;
export type OrderState = (typeof orderStates)[number];

/** Why an order has its state; a cause leads to one state only. */
export const orderCauses = ["held", "paid", "revived", "cancelled", "lapsed"] as const;
export type OrderCause = (typeof orderCauses)[number];

export interface Transition {
  /** The cause of the state before; null: there was no order. */
  readonly after: OrderCause | null;
  readonly from: OrderState | null;
  readonly to: OrderState;
  readonly cause: OrderCause;
}

/**
 * The life of an order: there are no other changes. redis/scripts/lib/record.lua has the same table,
 * which a test holds equal.
 * ```
 *          held          paid
 *   (none) ----> held ---------> paid
 *                 |  cancelled    ^
 *                 |  lapsed       | revived: only what lapsed, while stock is left
 *                 '----------> released
 * ```
 * Whoever cancelled has given the ticket back, so a payment after that is refunded; a hold that
 * lapsed was lost to the clock alone, so a late payment may still have it.
 */
export const transitions: readonly Transition[] = [
  { after: null, from: null, to: "held", cause: "held" },
  { after: "held", from: "held", to: "paid", cause: "paid" },
  { after: "held", from: "held", to: "released", cause: "cancelled" },
  { after: "held", from: "held", to: "released", cause: "lapsed" },
  { after: "lapsed", from: "released", to: "paid", cause: "revived" },
];

/** What the ledger knows of one order. */
export interface OrderRecord {
  readonly order: string;
  readonly state: OrderState;
  /** Grows by one with every hold of the sale, never reused. */
  readonly serial: number;
  readonly quantity: number;
  readonly heldAtMs: number;
  /** When the hold lapses unless it is paid. */
  readonly payByMs: number;
  /** Empty where the request named no buyer. */
  readonly buyer: string;
  readonly key: string;
  /** 1 when held, one more with every change of state: of two records the higher one is newer. */
  readonly revision: number;
  /** When it got its state. */
  readonly changedAtMs: number;
  readonly cause: OrderCause;
}

/** The fields of a record as they are stored, as text: nothing is trusted yet. */
export interface RecordFields {
  readonly state: string;
  readonly serial: string;
  readonly quantity: string;
  readonly heldAtMs: string;
  readonly payByMs: string;
  readonly token: string;
  readonly buyer: string;
  readonly key: string;
  readonly revision: string;
  readonly changedAtMs: string;
  readonly cause: string;
  /** What never changes in the life of an order: serial to key. */
  readonly core: string;
}

/** state, serial, quantity, heldAtMs, payByMs, token, buyer, key. */
const heldFields = 8;
/** The same, and revision, changedAtMs, cause. */
const changedFields = 11;

/**
 * Takes a record apart: the fields that hold.lua writes, separated by tabs, and those that a change
 * of state adds (redis/scripts/lib/record.lua). Null if it has fewer or more.
 */
export function splitRecord(text: string): RecordFields | null {
  const fields = text.split("\t");
  if (fields.length !== heldFields && fields.length !== changedFields) {
    return null;
  }
  const [state = "", serial = "", quantity = "", heldAtMs = "", payByMs = ""] = fields;
  const [token = "", buyer = "", key = ""] = fields.slice(5);
  const [revision = "1", changedAtMs = heldAtMs, cause = "held"] = fields.slice(heldFields);
  return {
    state,
    serial,
    quantity,
    heldAtMs,
    payByMs,
    token,
    buyer,
    key,
    revision,
    changedAtMs,
    cause,
    core: fields.slice(1, heldFields).join("\t"),
  };
}

/**
 * Reads the record of an order. Throws if it is none, since then the ledger is not what we think it
 * is.
 */
export function parseOrderRecord(sale: string, text: string): OrderRecord {
  const fields = splitRecord(text);
  const record = fields === null ? null : toRecord(sale, fields);
  if (record === null) {
    throw new Error(`sale ${sale}: an order's record cannot be read: ${JSON.stringify(text)}`);
  }
  return record;
}

function toRecord(sale: string, fields: RecordFields): OrderRecord | null {
  const transition = transitions.find(
    ({ to, cause }) => to === fields.state && cause === fields.cause,
  );
  const { token, buyer, key } = fields;
  if (transition === undefined || !keyPattern.test(key) || !tokenPattern.test(token)) {
    return null;
  }
  const numbers = {
    serial: Number(fields.serial),
    quantity: Number(fields.quantity),
    heldAtMs: Number(fields.heldAtMs),
    payByMs: Number(fields.payByMs),
    revision: Number(fields.revision),
    changedAtMs: Number(fields.changedAtMs),
  };
  if (!Object.values(numbers).every(Number.isSafeInteger)) {
    return null;
  }
  const order = orderId(sale, numbers.serial, token);
  return { order, ...numbers, buyer, key, state: transition.to, cause: transition.cause };
}

const tokenPattern = /^[0-9a-f]{16}$/;

/** An order id: SALE.SERIAL.TOKEN. The token makes it unguessable: to know it is to own it. */
export function orderId(sale: string, serial: number, token: string): string {
  return `${sale}.${serial}.${token}`;
}

export interface OrderIdParts {
  readonly sale: string;
  readonly serial: number;
  readonly token: string;
}

/** Takes an order id apart; null if it is none. */
export function parseOrderId(order: string): OrderIdParts | null {
  const parts = /^([a-z0-9][a-z0-9_-]{0,63})\.([1-9][0-9]{0,14})\.([0-9a-f]{16})$/.exec(order);
  const [, sale, serial, token] = parts ?? [];
  return sale === undefined || token === undefined ? null : { sale, serial: Number(serial), token };
}
