import { expect } from "bun:test";

import { type BatchRow, readBatchRow, readEntry } from "../../../src/ledger/outbox/entry.ts";
import { readRecords } from "../../../src/ledger/records.ts";
import { batchRefOf, type OrderRecord } from "../../../src/sale/order.ts";
import type { SaleDefinition } from "../../../src/sale/sale.ts";
import type { SaleScripts } from "./sale-scripts.ts";

/** All that the ledger has of one sale, with its orders in the one form that says everything. */
export interface WholeSale {
  readonly stock: Readonly<Record<string, string>>;
  readonly orders: ReadonlyMap<string, OrderRecord>;
  readonly buyers: Readonly<Record<string, string>>;
  readonly operations: readonly string[];
  /** By the newest entry of the outbox that has it. */
  readonly definition: SaleDefinition | null;
  /** How many entries the outbox has. */
  readonly entries: number;
}

/**
 * Reads it, and throws where its parts contradict each other, whichever way the scripts chose to
 * write: counters have to be what the orders make, and the outbox, read from its start, has to come
 * to the same orders.
 */
export async function readWholeSale({
  client,
  keys,
}: Pick<SaleScripts, "client" | "keys">): Promise<WholeSale> {
  const [stock, texts, rows, buyers, deadlines, operations, entries] = await Promise.all([
    client.hgetall(keys.stock),
    client.hgetall(keys.orders).then((all) => new Map(Object.entries(all))),
    client.hgetall(keys.batches).then((all) => new Map(Object.entries(all))),
    client.hgetall(keys.buyers),
    client.zrange(keys.deadlines, "0", "-1", "WITHSCORES"),
    client.hkeys(keys.operations),
    client.xrange(keys.events, "-", "+"),
  ]);
  delete stock["fencedAtMs"]; // Says nothing; it is there to be written.
  const orders = readRecords(texts, rows);
  const batches = new Map([...rows].map(([ref, row]) => [ref, readBatchRow(ref, row)]));
  expect(Object.fromEntries(livingBy(texts))).toEqual(
    Object.fromEntries([...batches].map(([ref, batch]) => [ref, batch?.living ?? 0])),
  );
  expect(deadlines).toEqual(expectedDeadlines(orders, texts));
  const told = replay(entries, batches);
  expect([...told.orders.values()].sort(bySerial)).toEqual([...orders.values()].sort(bySerial));
  const { definition } = told;
  checkStock(stock, [...orders.values()], told);
  expect(buyers).toEqual(stock["limit"] === "0" ? {} : ticketsByBuyer([...orders.values()]));
  return { stock, orders, buyers, operations, definition, entries: entries.length };
}

/** Counters and definition of a sale. */
function checkStock(
  stock: Readonly<Record<string, string>>,
  orders: readonly OrderRecord[],
  { records, definition }: Told,
): void {
  const number = (field: string): number => Number(stock[field]);
  expect(number("held")).toBe(tickets(orders, "held"));
  expect(number("paid")).toBe(tickets(orders, "paid"));
  expect(number("held") + number("paid")).toBeLessThanOrEqual(number("total"));
  expect(new Set(orders.map(({ serial }) => serial)).size).toBe(orders.length);
  expect(Math.max(0, ...orders.map(({ serial }) => serial))).toBe(number("serial"));
  expect(number("records")).toBe(records);
  const { state, total, revision } = definition ?? {};
  expect([stock["state"], number("total"), number("revision")]).toEqual([state, total, revision]);
}

function tickets(orders: readonly OrderRecord[], state: OrderRecord["state"]): number {
  return orders
    .filter((order) => order.state === state)
    .reduce((sum, { quantity }) => sum + quantity, 0);
}

function ticketsByBuyer(orders: readonly OrderRecord[]): Record<string, string> {
  const counts = new Map<string, number>();
  for (const { buyer, quantity, state } of orders) {
    if (state !== "released") {
      counts.set(buyer, (counts.get(buyer) ?? 0) + quantity);
    }
  }
  return Object.fromEntries([...counts].map(([buyer, count]) => [buyer, String(count)]));
}

/** How many records name each batch. */
function livingBy(texts: ReadonlyMap<string, string>): Map<string, number> {
  const living = new Map<string, number>();
  for (const text of texts.values()) {
    const ref = batchRefOf(text);
    if (ref !== null) {
      living.set(ref, (living.get(ref) ?? 0) + 1);
    }
  }
  return living;
}

/** Every held order is found once: by its batch, or by its token; nothing else is. */
function expectedDeadlines(
  orders: ReadonlyMap<string, OrderRecord>,
  texts: ReadonlyMap<string, string>,
): string[] {
  const members = new Map<string, number>();
  for (const [token, { state, payByMs }] of orders) {
    const ref = batchRefOf(texts.get(token) ?? "");
    if (state === "held") {
      members.set(ref === null ? `o${token}` : `b${ref}`, payByMs);
    }
  }
  return [...members]
    .sort(([a, aMs], [b, bMs]) => aMs - bMs || (a < b ? -1 : 1))
    .flatMap(([member, payByMs]) => [member, String(payByMs)]);
}

interface Told {
  readonly orders: ReadonlyMap<string, OrderRecord>;
  readonly definition: SaleDefinition | null;
  readonly records: number;
}

/** What a reader of the whole outbox knows in the end. Each entry has to follow from those before. */
function replay(
  entries: readonly (readonly [id: string, fields: string[]])[],
  batches: ReadonlyMap<string, BatchRow | null>,
): Told {
  const orders = new Map<string, OrderRecord>();
  let definition: SaleDefinition | null = null;
  let records = 0;
  const heads: object[] = [];
  for (const [id, fields] of entries) {
    const reading = readEntry({ sale: "tickets", id, fields });
    if (reading.kind === "sale") {
      expect(reading.definition.revision).toBe((definition?.revision ?? 0) + 1);
      definition = reading.definition;
    } else if (reading.kind === "orders") {
      expect(reading.unreadable).toEqual([]);
      for (const record of reading.records) {
        const before = orders.get(record?.token ?? "");
        expect(record?.revision).toBe((before?.revision ?? 0) + 1);
        if (record !== null) {
          orders.set(record.token, record);
        }
      }
      records += reading.records.length;
      heads.push({ ...reading.batch, entry: id });
    } else {
      throw new Error(`entry ${id} is ${reading.kind}`);
    }
    expect(fields.slice(0, 2)).toEqual(["n", String(records)]);
  }
  // A batch that lives is found by its entry; its ref may have been that of one before it.
  for (const row of batches.values()) {
    const { living: _, ...batch } = row ?? { living: 0 };
    expect(heads).toContainEqual(batch);
  }
  return { orders, definition, records };
}

function bySerial(a: OrderRecord, b: OrderRecord): number {
  return a.serial - b.serial;
}
