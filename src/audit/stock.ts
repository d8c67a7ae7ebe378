import { isSaleState } from "../sale/sale.ts";
import type { SaleBooks } from "./books.ts";
import type { EventBooks } from "./events.ts";
import { type Findings, wholeNumber } from "./findings.ts";

/** The figures of a sale as its ledger states them; null where what is stored is no number. */
export interface AuditedStock {
  readonly total: number | null;
  readonly held: number | null;
  readonly paid: number | null;
  readonly left: number | null;
  readonly limit: number | null;
  readonly epoch: number | null;
  readonly serial: number | null;
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
  return { total, held, paid, left, limit, epoch, serial, state };
}

/** Holds total, state and epoch against the stream and the operations. */
export function compareStockWithEvents(
  books: SaleBooks,
  stock: AuditedStock,
  events: EventBooks,
  findings: Findings,
): void {
  const { trimmed } = events;
  if (events.created.length > 1 || (events.created.length === 0 && !trimmed)) {
    const found = `stream: ${events.created.length} created events, there must be exactly one`;
    findings.add("event", "created", found);
  }
  const tickets = events.createdTickets + events.restockedTickets;
  if (stock.total !== null && !agreesWithStream(stock.total, tickets, trimmed)) {
    const parts = `${events.createdTickets} created + ${events.restockedTickets} restocked`;
    const text = `stock: total is ${stock.total}, the stream's events make ${tickets} (${parts})`;
    findings.add("stock", "total", text);
  }
  let operated = 0;
  for (const [operation, text] of books.operations) {
    const quantity = wholeNumber(text);
    if (quantity === null) {
      const found = `operation ${operation}: its quantity is ${JSON.stringify(text)}, not a number`;
      findings.add("stock", operation, found);
    }
    operated += quantity ?? 0;
  }
  const { restockedTickets } = events;
  if (!agreesWithStream(operated, restockedTickets, trimmed)) {
    const text = `operations: they restocked ${operated}, the stream has ${restockedTickets}`;
    findings.add("stock", "operations", text);
  }
  if (events.state !== null && isSaleState(stock.state) && stock.state !== events.state) {
    const text = `stock: state is ${stock.state}, its last event is ${events.state}`;
    findings.add("stock", "state", text);
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

/** Whether the stream's tickets make the figure; a trimmed stream has only a part of them. */
function agreesWithStream(figure: number, counted: number, trimmed: boolean): boolean {
  return trimmed ? figure >= counted : figure === counted;
}
