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
  /** 132 bits that follow from the sale's secret, the buyer and the request key: see `tokens.ts`. */
  readonly token: string;
  readonly state: OrderState;
  /** Grows with every hold of the sale, never reused. */
  readonly serial: number;
  readonly quantity: number;
  readonly heldAtMs: number;
  /** When the hold lapses unless it is paid. */
  readonly payByMs: number;
  /** Empty where the request named no buyer. */
  readonly buyer: string;
  /** 1 when held, one more with every change of state: of two records the higher one is newer. */
  readonly revision: number;
  /** When it got its state. */
  readonly changedAtMs: number;
  readonly cause: OrderCause;
  /** Of buyer and key, 66 bits: not secret, see `requestHash`. */
  readonly hash: string;
}

/** What the orders of one batch have in common: `batches` has it once, their records name it. */
export interface OrderBatch {
  /** Names it among all batches of the sale. */
  readonly ref: string;
  /** Serial of its place 0. */
  readonly first: number;
  readonly heldAtMs: number;
  readonly payByMs: number;
}

/**
 * A record of the short form, as a node makes it for a purchase: its serial is that of its batch's
 * first, and `place` more. Fields are separated by tabs, since keys and buyers have none.
 */
export function encodeShortRecord(
  place: number,
  quantity: number,
  buyer: string,
  ref: string,
  hash: string,
): string {
  return `${place}\t${quantity}\t${buyer}\t${ref}\t${hash}`;
}

/** Which batch a record names; null: it is of the full form, and needs none. */
export function batchRefOf(record: string): string | null {
  return isShort(record) ? (record.split("\t")[shortFields - 2] ?? "") : null;
}

/** What every record ends with; null: it is no record. */
export function hashOf(record: string): string | null {
  return endPattern.exec(record)?.[1] ?? null;
}

const endPattern = /\t([\w-]{11})$/;

/** Fields of a record of the short form: place, quantity, buyer, ref, hash. */
const shortFields = 5;
/** state, serial, quantity, heldAtMs, payByMs, buyer, revision, changedAtMs, cause, and the hash. */
const fullFieldsMin = 10;
const hashPattern = /^[\w-]{11}$/;
const firstLetter = 65;

/** The short form begins with a digit, the full form with the name of a state. */
function isShort(record: string): boolean {
  return record.charCodeAt(0) < firstLetter;
}

/**
 * Reads a record of either form; `batch` is the one that a short record names. Of a full record
 * what stands as `name=value` before the hash is skipped: a later version may know it. Throws if it
 * is no record, since then the ledger is not what we think it is.
 */
export function readOrderRecord(
  token: string,
  text: string,
  batch: OrderBatch | null,
): OrderRecord {
  const fields = text.split("\t");
  const record = isShort(text) ? readShort(token, fields, batch) : readFull(token, fields);
  if (record === null) {
    const named = batch === null ? "" : ` of batch ${JSON.stringify(batch.ref)}`;
    throw new Error(`an order's record${named} cannot be read: ${JSON.stringify(text)}`);
  }
  return record;
}

function readShort(
  token: string,
  [place, quantity, buyer = "", ref, hash = "", more]: readonly string[],
  batch: OrderBatch | null,
): OrderRecord | null {
  const record: OrderRecord = {
    token,
    state: "held",
    serial: (batch?.first ?? Number.NaN) + Number(place),
    quantity: Number(quantity),
    heldAtMs: batch?.heldAtMs ?? Number.NaN,
    payByMs: batch?.payByMs ?? Number.NaN,
    buyer,
    revision: 1,
    changedAtMs: batch?.heldAtMs ?? Number.NaN,
    cause: "held",
    hash,
  };
  return batch?.ref === ref && more === undefined && isSound(record) ? record : null;
}

function readFull(token: string, fields: readonly string[]): OrderRecord | null {
  const [state, serial, quantity, heldAtMs, payByMs, buyer = ""] = fields;
  const [revision, changedAtMs, cause] = fields.slice(6);
  const transition = transitions.find((each) => each.to === state && each.cause === cause);
  if (transition === undefined || fields.length < fullFieldsMin) {
    return null;
  }
  const record: OrderRecord = {
    token,
    state: transition.to,
    serial: Number(serial),
    quantity: Number(quantity),
    heldAtMs: Number(heldAtMs),
    payByMs: Number(payByMs),
    buyer,
    revision: Number(revision),
    changedAtMs: Number(changedAtMs),
    cause: transition.cause,
    hash: fields.at(-1) ?? "",
  };
  return isSound(record) ? record : null;
}

/** A serial stands in order ids, so it is from 1; times and revisions are whole numbers from 0. */
function isSound(record: OrderRecord): boolean {
  return (
    tokenPattern.test(record.token) &&
    hashPattern.test(record.hash) &&
    (record.buyer === "" || keyPattern.test(record.buyer)) &&
    isWhole(record.serial, 1) &&
    isWhole(record.quantity, 1) &&
    isWhole(record.revision, 1) &&
    isWhole(record.heldAtMs, 0) &&
    isWhole(record.payByMs, 0) &&
    isWhole(record.changedAtMs, 0)
  );
}

function isWhole(number: number, least: number): boolean {
  return Number.isSafeInteger(number) && number >= least;
}

/** The full form of a record, as scripts write it from the first change of state on. */
export function encodeFullRecord(record: OrderRecord): string {
  const { state, serial, quantity, heldAtMs, payByMs, buyer } = record;
  const { revision, changedAtMs, cause, hash } = record;
  const what = [state, serial, quantity, heldAtMs, payByMs, buyer];
  return [...what, revision, changedAtMs, cause, hash].join("\t");
}

/** Characters of a token that may be printed; 96 bits of it stay. */
const briefLength = 6;
/** 22 characters of base64url: 132 bits. */
export const tokenPattern = /^[\w-]{22}$/;

/** An order id: SALE.SERIAL.TOKEN. The token makes it unguessable: to know it is to own it. */
export function orderId(sale: string, { serial, token }: OrderRef): string {
  return `${sale}.${serial}.${token}`;
}

/** The beginning of a token: enough to find it by, and not to own its order. */
export function briefToken(token: string): string {
  return `${token.slice(0, briefLength)}...`;
}

/** An order's id with the beginning of its token, for reports. */
export function briefOrderId(sale: string, { serial, token }: OrderRef): string {
  return `${sale}.${serial}.${briefToken(token)}`;
}

/** Names an order within its sale; the token proves that whoever names it was given its id. */
export interface OrderRef {
  readonly serial: number;
  readonly token: string;
}

export interface OrderIdParts extends OrderRef {
  readonly sale: string;
}

/** Takes an order id apart; null if it is none. */
export function parseOrderId(order: string): OrderIdParts | null {
  const parts = /^([a-z0-9][a-z0-9_-]{0,63})\.([1-9][0-9]{0,14})\.([\w-]{22})$/.exec(order);
  const [, sale, serial, token] = parts ?? [];
  return sale === undefined || token === undefined ? null : { sale, serial: Number(serial), token };
}
