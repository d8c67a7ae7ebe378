import type { SaleOrder } from "../../../src/orders/orders-table.ts";
import type { OrderRecord } from "../../../src/sale/order.ts";

/** The same 22 characters for the same number. */
export function tokenOf(n: number): string {
  return `token-${n.toString(36).padStart(16, "0")}`;
}

/** The record of an order of the sale `s` with this revision: held, released, paid. */
export function orderOf(serial: number, revision = 1, more: Partial<OrderRecord> = {}): SaleOrder {
  const state = (["held", "released", "paid"] as const)[revision - 1] ?? "paid";
  const cause = (["held", "lapsed", "revived"] as const)[revision - 1] ?? "paid";
  const record: OrderRecord = {
    token: tokenOf(serial),
    state,
    serial,
    quantity: 1,
    heldAtMs: 1_800_000_000_000 + (serial % 1_000_000),
    payByMs: 1_800_000_600_000 + (serial % 1_000_000),
    buyer: "ann",
    revision,
    changedAtMs: 1_800_000_000_000 + (serial % 1_000_000) + revision,
    cause,
    hash: "0123456789a",
    ...more,
  };
  return { sale: "s", record };
}
