import type { StoredOrder } from "../../orders/stored-orders.ts";
import { orderId } from "../../sale/order.ts";

/** An order as it is shown: numbers as numbers, times as text that people can read. */
interface ShownOrder {
  readonly serial: number;
  readonly order: string;
  readonly state: string;
  readonly cause: string;
  readonly quantity: number;
  readonly buyer: string;
  readonly heldAt: string;
  readonly payBy: string;
  readonly changedAt: string;
}

/** How orders are written: what stands before them, one of them, between two, and after them. */
export interface OrderFormat {
  readonly head: string;
  readonly line: (sale: string, order: StoredOrder) => string;
  readonly separator: string;
  readonly tail: string;
}

const columns = [
  "serial",
  "state",
  "cause",
  "quantity",
  "heldAt",
  "payBy",
  "changedAt",
  "order",
  "buyer",
] as const satisfies readonly (keyof ShownOrder)[];

/** Wide enough for what a column holds as a rule; the last two are as wide as they are. */
const widths: Partial<Record<keyof ShownOrder, number>> = {
  serial: 9,
  state: 8,
  cause: 9,
  quantity: 8,
  heldAt: 24,
  payBy: 24,
  changedAt: 24,
};

export const orderFormats = {
  table: {
    head: `${tableLine((column) => column)}\n`,
    line: (sale, stored) => {
      const order = toShownOrder(sale, stored);
      return tableLine((column) => String(order[column]));
    },
    separator: "\n",
    tail: "\n",
  },
  csv: {
    head: `${columns.join(",")}\r\n`,
    line: (sale, stored) => {
      const order = toShownOrder(sale, stored);
      return columns.map((column) => csvCell(String(order[column]))).join(",");
    },
    separator: "\r\n",
    tail: "\r\n",
  },
  json: {
    head: "[\n",
    line: (sale, stored) => `  ${JSON.stringify(toShownOrder(sale, stored))}`,
    separator: ",\n",
    tail: "\n]\n",
  },
} as const satisfies Record<string, OrderFormat>;

export type OrderFormatName = keyof typeof orderFormats;

function toShownOrder(sale: string, order: StoredOrder): ShownOrder {
  return {
    serial: order.serial,
    order: orderId(sale, order),
    state: order.state,
    cause: order.cause,
    quantity: order.quantity,
    buyer: order.buyer,
    heldAt: isoTime(order.heldAtMs),
    payBy: isoTime(order.payByMs),
    changedAt: isoTime(order.changedAtMs),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function tableLine(cell: (column: (typeof columns)[number]) => string): string {
  return columns
    .map((column) => cell(column).padEnd(widths[column] ?? 0))
    .join("  ")
    .trimEnd();
}

/** As RFC 4180 has it. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
