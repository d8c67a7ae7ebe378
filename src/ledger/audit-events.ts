import type { SaleBooks, StreamEvent } from "./audit-books.ts";
import { type Findings, wholeNumber } from "./audit-findings.ts";
import type { OrderState } from "./order-record.ts";

/** What the stream says of one order, which it names by its serial. */
export interface OrderEvents {
  /** Ids of its `held` entries; there must be exactly one. */
  readonly heldIds: string[];
  /** The record that came with the first `held` entry. */
  readonly record: string;
  /** By its last event. */
  state: OrderState;
}

/** What the stream says of a sale. */
export interface EventBooks {
  readonly created: string[];
  createdTickets: number;
  restockedTickets: number;
  /** Events after which stock may have come back. */
  comebacks: number;
  /** The last state that was set; a sale that nobody touched is `scheduled`. */
  state: string;
  /** By serial. */
  readonly orders: Map<string, OrderEvents>;
}

/** Sums a sale's stream up. An entry that cannot be understood is a difference. */
export function readEvents(books: SaleBooks, findings: Findings): EventBooks {
  const events: EventBooks = {
    created: [],
    createdTickets: 0,
    restockedTickets: 0,
    comebacks: 0,
    state: "scheduled",
    orders: new Map(),
  };
  for (const entry of books.events) {
    readEvent(entry, events, findings);
  }
  return events;
}

/** An order's entry has one field, `held` with its record, `paid` or `released` with its serial. */
function readEvent(entry: StreamEvent, events: EventBooks, findings: Findings): void {
  const { event, held, paid, released } = entry.fields;
  if (held !== undefined) {
    readHeld(entry.id, held, events, findings);
    return;
  }
  if (paid !== undefined) {
    readChange(entry.id, paid, "paid", events, findings);
    return;
  }
  if (released !== undefined) {
    readChange(entry.id, released, "released", events, findings);
    return;
  }
  switch (event) {
    case "created":
      events.created.push(entry.id);
      events.createdTickets += tickets(entry, "total", findings);
      return;
    case "restocked":
      events.restockedTickets += tickets(entry, "quantity", findings);
      events.comebacks += 1;
      return;
    case "open":
    case "paused":
    case "closed":
      events.state = event;
      return;
    case undefined:
    default:
      findings.add(
        "event",
        entry.id,
        `entry ${entry.id}: unknown event ${JSON.stringify(event ?? entry.fields)}`,
      );
  }
}

function tickets(entry: StreamEvent, field: string, findings: Findings): number {
  const text = entry.fields[field];
  const number = wholeNumber(text);
  if (number === null) {
    const found = `entry ${entry.id}: its ${field} is ${JSON.stringify(text)}, not a whole number`;
    findings.add("event", entry.id, found);
  }
  return number ?? 0;
}

function readHeld(id: string, record: string, events: EventBooks, findings: Findings): void {
  const [state, serial] = record.split("\t");
  if (state !== "held" || serial === undefined) {
    const found = `entry ${id}: it is no record of a held order: ${JSON.stringify(record)}`;
    findings.add("event", id, found);
    return;
  }
  const known = events.orders.get(serial);
  if (known === undefined) {
    events.orders.set(serial, { heldIds: [id], record, state: "held" });
  } else {
    known.heldIds.push(id);
    known.state = "held";
  }
}

function readChange(
  id: string,
  serial: string,
  state: "paid" | "released",
  events: EventBooks,
  findings: Findings,
): void {
  const known = events.orders.get(serial);
  if (known === undefined) {
    const found = `entry ${id}: order ${serial} is ${state}, but no held event came before`;
    findings.add("event", id, found);
    return;
  }
  known.state = state;
  events.comebacks += state === "released" ? 1 : 0;
}
