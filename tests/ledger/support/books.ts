import type { Redis } from "ioredis";

import type { SaleKeys } from "../../../src/ledger/keys.ts";
import { type OrderRecord, parseOrderRecord } from "../../../src/sale/order.ts";
import { entries, type Entry } from "./contents.ts";
import { numberOf, textOf } from "./shapes.ts";

/** All that the ledger keeps of one sale, as it stands in Redis. */
export interface Books {
  readonly stock: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, string>>;
  readonly buyers: Readonly<Record<string, string>>;
  readonly records: Readonly<Record<string, string>>;
  readonly deadlines: readonly string[];
  readonly events: readonly Entry[];
  readonly operations: Readonly<Record<string, string>>;
}

/** Reads them at one moment. */
export async function readBooks(client: Redis, keys: SaleKeys): Promise<Books> {
  const [stock, requests, buyers, records, deadlines, operations, events] = await Promise.all([
    client.hgetall(keys.stock),
    client.hgetall(keys.requests),
    client.hgetall(keys.buyers),
    client.hgetall(keys.orders),
    client.zrange(keys.deadlines, "0", "-1", "WITHSCORES"),
    client.hgetall(keys.operations),
    entries(client, keys.events),
  ]);
  delete stock["fencedAtMs"]; // Says nothing; it is there to be written.
  return { stock, requests, buyers, records, deadlines, operations, events };
}

/** Throws unless the invariants of a sale hold, by what Redis has alone. */
export function checkInvariants(sale: string, books: Books): void {
  const number = (field: string): number => numberOf(books.stock[field]);
  const [total, held, paid, serial] = [
    number("total"),
    number("held"),
    number("paid"),
    number("serial"),
  ];
  must(held >= 0 && paid >= 0, "held and paid are never negative");
  must(held + paid <= total, "held + paid is at most the total");

  const orders = Object.entries(books.records).map(([field, record]) => {
    const order = parseOrderRecord(sale, record);
    must(field === String(order.serial), `order ${field} has serial ${order.serial}`);
    return order;
  });
  const serials = orders.map((order) => order.serial).sort((a, b) => a - b);
  must(
    Bun.deepEquals(
      serials,
      Array.from({ length: serial }, (_, i) => i + 1),
    ),
    `serials are 1 to ${serial}, each once: ${serials.join(" ")}`,
  );
  must(sum(orders, "held") === held, "held is what the held orders hold");
  must(sum(orders, "paid") === paid, "paid is what the paid orders hold");
  checkRequests(orders, books);
  checkBuyers(orders, books);
  checkDeadlines(orders, books);
  checkEvents(sale, orders, books, total);
}

function checkRequests(orders: readonly OrderRecord[], books: Books): void {
  const expected = orders.map((order) => [order.key, String(order.serial)] as const);
  const found = Object.fromEntries(expected);
  must(expected.length === Object.keys(found).length, "each request key has one order");
  must(Bun.deepEquals(found, { ...books.requests }), "requests lead to their orders");
}

function checkBuyers(orders: readonly OrderRecord[], books: Books): void {
  const buyers = new Set([...orders.map((order) => order.buyer), ...Object.keys(books.buyers)]);
  for (const buyer of buyers) {
    const its = orders.filter((order) => order.buyer === buyer);
    const has = sum(its, "held") + sum(its, "paid");
    const counted = numberOf(books.buyers[buyer] ?? "0");
    must(has === counted, `buyer "${buyer}" has ${has}, is counted with ${counted}`);
  }
}

function checkDeadlines(orders: readonly OrderRecord[], books: Books): void {
  const payBy = new Map<number, number>();
  for (let i = 0; i < books.deadlines.length; i += 2) {
    const [first, last] = textOf(books.deadlines[i]).split("-").map(Number);
    for (let serial = numberOf(first); serial <= numberOf(last); serial += 1) {
      must(!payBy.has(serial), `serial ${serial} has one deadline`);
      payBy.set(serial, numberOf(books.deadlines[i + 1]));
    }
  }
  for (const order of orders.filter(({ state }) => state === "held")) {
    must(payBy.get(order.serial) === order.payByMs, `order ${order.serial} lapses when it says`);
  }
}

function checkEvents(
  sale: string,
  orders: readonly OrderRecord[],
  books: Books,
  total: number,
): void {
  let tickets = 0;
  const held = new Map<number, OrderRecord>();
  for (const [, fields] of books.events) {
    const { event, held: record } = fields;
    if (record !== undefined) {
      const order = parseOrderRecord(sale, record);
      must(order.state === "held" && !held.has(order.serial), "one held event an order");
      held.set(order.serial, order);
    } else if (event === "created" || event === "restocked") {
      tickets += numberOf(fields["total"] ?? fields["quantity"]);
    }
  }
  must(held.size === orders.length, "as many held events as orders");
  for (const order of orders) {
    const { state, cause, revision, changedAtMs } = order;
    const unchanged = { ...held.get(order.serial), state, cause, revision, changedAtMs };
    must(Bun.deepEquals(unchanged, order), `event of order ${order.serial}`);
  }
  must(tickets === total, `the events make ${tickets} tickets, the sale has ${total}`);
}

function sum(orders: readonly OrderRecord[], state: OrderRecord["state"]): number {
  return orders
    .filter((order) => order.state === state)
    .reduce((tickets, order) => tickets + order.quantity, 0);
}

function must(holds: boolean, invariant: string): void {
  if (!holds) {
    throw new Error(`invariant broken: ${invariant}`);
  }
}
