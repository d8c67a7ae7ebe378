import { keyPattern } from "./sale.ts";

/** `held -> paid`, or `held -> released` (cancelled or lapsed). */
export type OrderState = "held" | "paid" | "released";

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
  /** Why it has its state. `revived`: paid after it was released, while stock was left. */
  readonly cause: OrderCause;
}

export type OrderCause = "held" | "paid" | "revived" | "cancelled" | "lapsed";

const states: ReadonlySet<string> = new Set<OrderState>(["held", "paid", "released"]);
const causes: ReadonlySet<string> = new Set<OrderCause>([
  "held",
  "paid",
  "revived",
  "cancelled",
  "lapsed",
]);

/**
 * Reads the record that hold.lua wrote, state, serial, quantity, heldAtMs, payByMs, token, buyer
 * and key, and what confirm.lua or release.lua added to it, revision, changedAtMs and cause,
 * separated by tabs.
 * Throws if it is anything else, since then the ledger is not what we think it is.
 */
export function parseOrderRecord(sale: string, text: string): OrderRecord {
  const [state, serial, quantity, heldAtMs, payByMs, token, buyer, key, ...change] =
    text.split("\t");
  const [revision, changedAtMs, cause] = change.length === 0 ? ["1", heldAtMs, "held"] : change;
  const record = {
    order: orderId(sale, Number(serial), token ?? ""),
    state: state as OrderState,
    serial: Number(serial),
    quantity: Number(quantity),
    heldAtMs: Number(heldAtMs),
    payByMs: Number(payByMs),
    buyer: buyer ?? "",
    key: key ?? "",
    revision: Number(revision),
    changedAtMs: Number(changedAtMs),
    cause: cause as OrderCause,
  };
  const whole = [record.serial, record.quantity, record.heldAtMs, record.payByMs];
  const changes = [record.revision, record.changedAtMs];
  const readable =
    states.has(record.state) &&
    causes.has(record.cause) &&
    (change.length === 0 || change.length === 3) &&
    [...whole, ...changes].every(Number.isSafeInteger);
  if (!readable || !keyPattern.test(record.key) || !tokenPattern.test(token ?? "")) {
    throw new Error(`sale ${sale}: an order's record cannot be read: ${JSON.stringify(text)}`);
  }
  return record;
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
