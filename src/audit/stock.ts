import { isSaleState } from "../sale/sale.ts";
import type { SaleBooks } from "./books.ts";
import type { EventBooks } from "./events.ts";
import { type Findings, stated, wholeNumber } from "./findings.ts";

/** The figures of a sale as its ledger states them; null where what is stored is no number. */
export interface AuditedStock {
  readonly total: number | null;
  readonly held: number | null;
  readonly paid: number | null;
  readonly left: number | null;
  readonly limit: number | null;
  readonly epoch: number | null;
  readonly serial: number | null;
  /** Records that the stream has had. */
  readonly records: number | null;
  readonly state: string;
}

/** Reads the figures of a sale; one that is out of range is a difference. */
export function readStock(fields: ReadonlyMap<string, string>, findings: Findings): AuditedStock {
  const number = (name: string, least = 0): number | null => {
    const text = fields.get(name);
    const value = wholeNumber(text);
    if (value === null || value < least) {
      const found = text === undefined ? "missing" : JSON.stringify(text);
      findings.add(
        "stock",
        name,
        `stock: ${name} is ${found}, not a whole number from ${least} up`,
      );
    }
    return value;
  };
  const [total, held, paid] = [number("total", 1), number("held"), number("paid")];
  number("holdMs", 1_000);
  number("opensAtMs");
  number("revision", 1);
  const taken = held === null || paid === null ? null : held + paid;
  const left = total === null || taken === null ? null : total - taken;
  if (left !== null && left < 0) {
    const text = `stock: ${taken} tickets are held or paid, of ${total}: oversold`;
    findings.add("stock", "total", text);
  }
  const state = fields.get("state") ?? "";
  if (!isSaleState(state)) {
    findings.add("stock", "state", `stock: ${JSON.stringify(state)} is no state of a sale`);
  }
  const [limit, epoch, serial] = [number("limit"), number("epoch", 1), number("serial")];
  return { total, held, paid, left, limit, epoch, serial, records: number("records"), state };
}

/** Its tokens are made with the secret that it names. */
export function compareSecret(books: SaleBooks, findings: Findings): void {
  const named = books.stock.get("secretId");
  if (books.secretId === null || books.secretId !== named) {
    const text = `secret: its fingerprint is ${stated(books.secretId)}, stock names ${stated(named)}`;
    findings.add("stock", "secretId", text);
  }
}

/** Holds definition, operations, epoch and the number of records against the stream. */
export function compareStockWithEvents(
  books: SaleBooks,
  stock: AuditedStock,
  events: EventBooks,
  findings: Findings,
): void {
  const { definitions, records, trimmed } = events;
  if (definitions.created > 1 || (definitions.created === 0 && !trimmed)) {
    const found = `stream: ${definitions.created} created events, there must be exactly one`;
    findings.add("event", "created", found);
  }
  compareDefinition(books, events, findings);
  compareOperations(books, stock, events, findings);
  if (records !== null && stock.records !== null && stock.records !== records) {
    const text = `stock: it counts ${stock.records} records in the stream, the last entry ${records}`;
    findings.add("stock", "records", text);
  }
  // It begins with the time of creation, and grows where stock comes back after "sold out": only
  // by a restock or a release, each of which has its event.
  const createdAtMs = wholeNumber(books.stock.get("createdAtMs"));
  const { epoch } = stock;
  const growthMax = trimmed ? Number.POSITIVE_INFINITY : events.comebacks;
  const growth = epoch === null || createdAtMs === null ? null : epoch - createdAtMs;
  if (growth === null || growth < 0 || growth > growthMax) {
    const text = `stock: epoch is ${epoch}, created at ${createdAtMs}, at most ${growthMax} comebacks`;
    findings.add("stock", "epoch", text);
  }
}

const defined = ["state", "total", "limit", "holdMs", "opensAtMs", "secretId", "revision"] as const;

/** The sale is what its last event says. */
function compareDefinition(
  books: SaleBooks,
  { definitions: { last } }: EventBooks,
  findings: Findings,
): void {
  for (const name of last === null ? [] : defined) {
    const [found, expected] = [stated(books.stock.get(name)), stated(last?.[name])];
    if (found !== expected) {
      findings.add("stock", name, `stock: ${name} is ${found}, its last event has ${expected}`);
    }
  }
}

/** The tickets are those that it was created with, and those of its restocks. */
function compareOperations(
  books: SaleBooks,
  stock: AuditedStock,
  { definitions, trimmed }: EventBooks,
  findings: Findings,
): void {
  let operated = 0;
  for (const [operation, text] of books.operations) {
    const quantity = wholeNumber(text);
    if (quantity === null) {
      const found = `operation ${operation}: its quantity is ${JSON.stringify(text)}, not a number`;
      findings.add("stock", operation, found);
    }
    operated += quantity ?? 0;
  }
  const { created, createdTickets, restockedTickets } = definitions;
  if (trimmed ? operated < restockedTickets : operated !== restockedTickets) {
    const text = `operations: they restocked ${operated}, the stream has ${restockedTickets}`;
    findings.add("stock", "operations", text);
  }
  const tickets = createdTickets + operated;
  if (created === 1 && stock.total !== null && stock.total !== tickets) {
    const text = `stock: total is ${stock.total}, it was created with ${createdTickets} and restocked`;
    findings.add("stock", "total", `${text} with ${operated}`);
  }
}
