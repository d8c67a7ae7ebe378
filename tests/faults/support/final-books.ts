import { readBooks } from "../../../src/audit/books.ts";
import { type OrderRecord, parseOrderRecord } from "../../../src/sale/order.ts";

/** What the checker looks at in an order. */
export type FinalOrder = Pick<
  OrderRecord,
  "order" | "state" | "serial" | "quantity" | "buyer" | "key"
>;

/** The ledger of one sale at the end, in the checker's words. */
export interface FinalBooks {
  readonly total: number;
  readonly held: number;
  readonly paid: number;
  readonly orders: readonly FinalOrder[];
  /** Request key -> order id. */
  readonly requests: ReadonlyMap<string, string>;
  /** The order of each `held` event of the stream. */
  readonly heldEvents: readonly string[];
}

/** Reads the ledger while nobody changes it. */
export async function readFinalBooks(url: string, sale: string): Promise<FinalBooks> {
  const reading = await readBooks(url, sale);
  if (reading.kind !== "read") {
    throw new Error(`the books of ${sale} could not be read: ${reading.kind}`);
  }
  const { stock, orders, requests, events } = reading.books;
  const number = (field: string) => Number(stock.get(field));
  const bySerial = new Map<string, OrderRecord>();
  for (const [serial, record] of orders) {
    bySerial.set(serial, parseOrderRecord(sale, record));
  }
  return {
    total: number("total"),
    held: number("held"),
    paid: number("paid"),
    orders: [...bySerial.values()],
    requests: new Map(
      [...requests].map(([key, serial]) => [key, bySerial.get(serial)?.order ?? `no ${serial}`]),
    ),
    heldEvents: events
      .flatMap(({ fields }) => fields["held"] ?? [])
      .map((record) => parseOrderRecord(sale, record).order),
  };
}
