import type { ListedOrder } from "../../orders/order-list.ts";

/** How orders are written: what stands before them, one of them, between two, and after them. */
export interface OrderFormat {
  readonly head: string;
  readonly line: (order: ListedOrder) => string;
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
  "key",
] as const satisfies readonly (keyof ListedOrder)[];

/** Wide enough for what a column holds as a rule; the last three are as wide as they are. */
const widths: Partial<Record<keyof ListedOrder, number>> = {
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
    line: (order) => tableLine((column) => String(order[column])),
    separator: "\n",
    tail: "\n",
  },
  csv: {
    head: `${columns.join(",")}\r\n`,
    line: (order) => columns.map((column) => csvCell(String(order[column]))).join(","),
    separator: "\r\n",
    tail: "\r\n",
  },
  json: {
    head: "[\n",
    line: (order) => `  ${JSON.stringify(order)}`,
    separator: ",\n",
    tail: "\n]\n",
  },
} as const satisfies Record<string, OrderFormat>;

export type OrderFormatName = keyof typeof orderFormats;

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
