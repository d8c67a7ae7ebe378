import { keyPattern } from "../sale/sale.ts";

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
}

const states: ReadonlySet<string> = new Set<OrderState>(["held", "paid", "released"]);

/**
 * Reads the record that hold.lua wrote:
 * state, serial, quantity, heldAtMs, payByMs, token, buyer and key, separated by tabs.
 * Throws if it is anything else, since then the ledger is not what we think it is.
 */
export function parseOrderRecord(sale: string, text: string): OrderRecord {
  const [state, serial, quantity, heldAtMs, payByMs, token, buyer, key] = text.split("\t");
  const record = {
    order: orderId(sale, Number(serial), token ?? ""),
    state: state as OrderState,
    serial: Number(serial),
    quantity: Number(quantity),
    heldAtMs: Number(heldAtMs),
    payByMs: Number(payByMs),
    buyer: buyer ?? "",
    key: key ?? "",
  };
  const whole = [record.serial, record.quantity, record.heldAtMs, record.payByMs];
  const readable = states.has(record.state) && whole.every(Number.isSafeInteger);
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

/** The sale that an order id names, or null if it is no order id. Ids are SALE.SERIAL.TOKEN. */
export function saleOfOrder(order: string): string | null {
  return /^([a-z0-9][a-z0-9_-]{0,63})\.[1-9][0-9]{0,15}\.[0-9a-f]{16}$/.exec(order)?.[1] ?? null;
}
