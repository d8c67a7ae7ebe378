import type { Redis } from "ioredis";

import { saleKeys } from "../../../src/ledger/keys.ts";
import { readEntry } from "../../../src/ledger/outbox/entry.ts";
import { readRecords } from "../../../src/ledger/records.ts";
import { orderId, type OrderRecord } from "../../../src/sale/order.ts";
import { TokenMaker } from "../../../src/sale/tokens.ts";

/** What the checker looks at in an order. */
export interface FinalOrder extends Pick<
  OrderRecord,
  "token" | "state" | "serial" | "quantity" | "buyer" | "hash"
> {
  readonly order: string;
}

/** The ledger of one sale at the end, in the checker's words. */
export interface FinalBooks {
  readonly total: number;
  readonly held: number;
  readonly paid: number;
  readonly orders: readonly FinalOrder[];
  /** The order of each record of the stream that says "held". */
  readonly heldEvents: readonly string[];
  /** The token of a buyer's request. */
  readonly tokenOf: (buyer: string, key: string) => string;
}

/** The order of a request at the end, or null. */
export function orderOf(
  { orders, tokenOf }: FinalBooks,
  { buyer = "", key }: { readonly buyer?: string; readonly key: string },
): string | null {
  const token = tokenOf(buyer, key);
  return orders.find((order) => order.token === token)?.order ?? null;
}

/**
 * Reads the ledger while nobody changes it. Not as the audit does, so that a fault which that one
 * cannot see is found.
 */
export async function readFinalBooks(client: Redis, sale: string): Promise<FinalBooks> {
  const keys = saleKeys(sale);
  const stock = await client.hgetall(keys.stock);
  const secret = await client.get(keys.secret);
  if (secret === null) {
    throw new Error(`the sale ${sale} has no secret`);
  }
  const records = readRecords(
    new Map(Object.entries(await client.hgetall(keys.orders))),
    new Map(Object.entries(await client.hgetall(keys.batches))),
  );
  const maker = new TokenMaker(sale, secret);
  return {
    total: Number(stock["total"]),
    held: Number(stock["held"]),
    paid: Number(stock["paid"]),
    orders: [...records.values()].map((record) => ({ ...record, order: orderId(sale, record) })),
    heldEvents: await readHeldEvents(client, sale),
    tokenOf: (buyer, key) => maker.token(buyer, key),
  };
}

async function readHeldEvents(client: Redis, sale: string): Promise<string[]> {
  const held: string[] = [];
  for (const [id, fields] of await client.xrange(saleKeys(sale).events, "-", "+")) {
    const reading = readEntry({ sale, id, fields });
    if (reading.kind === "sale") {
      continue;
    }
    if (reading.kind !== "orders" || reading.unreadable.length > 0) {
      throw new Error(`entry ${id} cannot be read: ${JSON.stringify(reading)}`);
    }
    for (const record of reading.records) {
      if (record?.state === "held") {
        held.push(orderId(sale, record));
      }
    }
  }
  return held;
}
