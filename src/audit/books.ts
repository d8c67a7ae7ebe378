import type { Redis } from "ioredis";

import { type SaleKeys, saleKeys } from "../ledger/keys.ts";
import { readEntry, recordsUpTo, type StreamEntry } from "../ledger/outbox/entry.ts";
import { toEntries } from "../ledger/outbox/reader.ts";
import { OperationError, withSession } from "../ledger/session.ts";
import { saleIdPattern } from "../sale/sale.ts";
import { secretId } from "../sale/tokens.ts";

/** Everything that the ledger keeps of one sale, as it is stored: nothing is trusted yet. */
export interface SaleBooks {
  readonly sale: string;
  readonly stock: ReadonlyMap<string, string>;
  /** Names the secret that the tokens are made with; null: it has none. The secret is not kept. */
  readonly secretId: string | null;
  /** Token -> record. */
  readonly orders: ReadonlyMap<string, string>;
  /** Ref -> row. */
  readonly batches: ReadonlyMap<string, string>;
  readonly buyers: ReadonlyMap<string, string>;
  /** "b" and a ref, or "o" and a token -> the millisecond by which it is to be paid. */
  readonly deadlines: ReadonlyMap<string, string>;
  readonly operations: ReadonlyMap<string, string>;
  readonly events: readonly StreamEntry[];
  /** Whether entries from before the first one were trimmed, as they are once they are stored. */
  readonly trimmed: boolean;
}

/**
 * `mark`: what `readMark` returns for as long as the sale stays as it was read.
 * `moving`: the sale changed during each attempt, so that its parts do not fit together.
 */
export type BooksReading =
  | { readonly kind: "read"; readonly books: SaleBooks; readonly mark: string }
  | { readonly kind: "noSale" }
  | { readonly kind: "moving"; readonly attempts: number };

/** Attempts to read everything between two changes of the sale. */
const attemptsMax = 5;
const retryPauseMs = 200;
/** Of a hash, a reply: Redis serves the nodes between two pages, each of which takes about 1 ms. */
const pageEntries = 1_000;
/**
 * Of the stream: an entry has up to a thousand records, so a page begins with few, and the next has
 * as many as make so many records, if entries are like those of the page before.
 */
const streamPage = { first: 8, most: 128, records: 4_000 };
/** Entries of one hash or stream; more are refused. */
const entriesMax = 5_000_000;
/** Records of the stream: few orders change more than twice. */
const recordsMax = 3 * entriesMax;

/**
 * Reads the books of a sale in pages, so that the nodes go on selling meanwhile. A sale that is
 * being sold changes between the pages; then it is read again, a bounded number of times.
 * Throws `OperationError` where the ledger does not answer.
 */
export async function readBooks(url: string, sale: string): Promise<BooksReading> {
  if (!saleIdPattern.test(sale)) {
    return { kind: "noSale" };
  }
  return await withSession(url, (client) => readBetweenChanges(client, sale));
}

/** Different from the mark of a reading if the sale has changed since. Null: it is gone. */
export function readMark(url: string, sale: string): Promise<string | null> {
  return withSession(url, (client) => mark(client, saleKeys(sale)));
}

async function readBetweenChanges(client: Redis, sale: string): Promise<BooksReading> {
  const keys = saleKeys(sale);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const before = await mark(client, keys);
    if (before === null) {
      return { kind: "noSale" };
    }
    const secret = await client.get(keys.secret);
    const events = await readStream(client, sale, keys.events);
    const books: SaleBooks = {
      sale,
      stock: new Map(Object.entries(await client.hgetall(keys.stock))),
      secretId: secret === null ? null : secretId(secret),
      orders: await readHash(client, keys.orders),
      batches: await readHash(client, keys.batches),
      buyers: await readHash(client, keys.buyers),
      deadlines: await readSortedSet(client, keys.deadlines),
      operations: await readHash(client, keys.operations),
      events,
      trimmed: await isTrimmed(client, keys.events, events),
    };
    if ((await mark(client, keys)) === before) {
      return { kind: "read", books, mark: before };
    }
    if (attempt < attemptsMax) {
      await Bun.sleep(retryPauseMs);
    }
  }
  return { kind: "moving", attempts: attemptsMax };
}

/**
 * What is different whenever the books are: every change of a sale writes its stock or its stream.
 * A fence changes nothing that is audited.
 */
async function mark(client: Redis, keys: SaleKeys): Promise<string | null> {
  const { fencedAtMs: _, ...stock } = await client.hgetall(keys.stock);
  if (Object.keys(stock).length === 0) {
    return null;
  }
  const [newest] = await client.xrevrange(keys.events, "+", "-", "COUNT", 1);
  const length = await client.xlen(keys.events);
  return JSON.stringify([Object.entries(stock).map(String).sort(), newest?.[0], length]);
}

function readHash(client: Redis, key: string): Promise<Map<string, string>> {
  return readScan(key, (cursor) => client.hscan(key, cursor, "COUNT", pageEntries));
}

function readSortedSet(client: Redis, key: string): Promise<Map<string, string>> {
  return readScan(key, (cursor) => client.zscan(key, cursor, "COUNT", pageEntries));
}

/** A scan gives every entry that stays at least once, and may repeat some: a map takes both. */
async function readScan(
  key: string,
  scan: (cursor: string) => Promise<[cursor: string, page: string[]]>,
): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  let cursor = "0";
  do {
    const [next, page] = await scan(cursor);
    pairs(page, entries);
    mustBeFew(key, entries.size);
    cursor = next;
  } while (cursor !== "0");
  return entries;
}

async function readStream(client: Redis, sale: string, key: string): Promise<StreamEntry[]> {
  const events: StreamEntry[] = [];
  let start = "-";
  let count = streamPage.first;
  let before: number | null = null;
  let records = 0;
  for (;;) {
    const page = toEntries(sale, await client.xrange(key, start, "+", "COUNT", count));
    for (const entry of page) {
      events.push(entry);
    }
    mustBeFew(key, events.length);
    const last = page.at(-1);
    if (last === undefined || page.length < count) {
      return events;
    }
    start = `(${last.id}`;
    const upTo: number | null = recordsUpTo(last);
    const read = upTo === null || before === null ? 0 : Math.max(0, upTo - before);
    before = upTo;
    records += read;
    mustBeFew(key, records, recordsMax);
    const next = Math.floor((streamPage.records * page.length) / Math.max(1, read));
    count = Math.min(streamPage.most, Math.max(1, next));
  }
}

/**
 * Trimming takes the oldest entries away, the first of which is the sale's creation. One taken out
 * of the middle does not make a stream a trimmed one.
 */
async function isTrimmed(
  client: Redis,
  key: string,
  [first]: readonly StreamEntry[],
): Promise<boolean> {
  const reading = first === undefined ? null : readEntry(first);
  const isWhole = reading?.kind === "sale" && reading.definition.cause === "created";
  if (isWhole || (await client.exists(key)) === 0) {
    return false;
  }
  const facts = (await client.xinfo("STREAM", key)) as unknown[];
  const fact = (name: string): number => Number(facts[facts.indexOf(name) + 1]);
  return fact("entries-added") > fact("length");
}

function pairs(flat: readonly string[], into = new Map<string, string>()): Map<string, string> {
  for (let i = 0; i + 1 < flat.length; i += 2) {
    into.set(flat[i] ?? "", flat[i + 1] ?? "");
  }
  return into;
}

function mustBeFew(key: string, count: number, most = entriesMax): void {
  if (count > most) {
    throw new OperationError(
      `${key} has more than ${most} entries, too many to be held against each other at once`,
    );
  }
}
