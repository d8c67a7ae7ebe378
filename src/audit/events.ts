import { type OrderState, orderStates, splitRecord, transitions } from "../sale/order.ts";
import { settableStates } from "../sale/sale.ts";
import type { SaleBooks, StreamEvent } from "./books.ts";
import { type Findings, wholeNumber } from "./findings.ts";

/** What is in the stream of one order, which it names by its serial. */
export interface OrderEvents {
  /** Ids of its `held` entries; there must be exactly one, unless it may have been trimmed. */
  readonly heldIds: string[];
  /** What never changes in the life of an order: serial to request key. */
  readonly core: string;
  /** The record of its newest entry; the ledger must have the same. */
  record: string;
  /** Of that record: 1 when held, one more with every change. */
  revision: number;
  /** Of that record: why it has its state. */
  cause: string;
}

/** What is in the stream of a sale. */
export interface EventBooks {
  readonly created: string[];
  createdTickets: number;
  restockedTickets: number;
  /** Events after which stock may have come back. */
  comebacks: number;
  /** The last state that was set; null if that may have been trimmed. */
  state: string | null;
  /** Older entries are gone: what is missing in here may have stood there. */
  readonly trimmed: boolean;
  /** Holds come in the order of their serials: what is trimmed held orders below this one. */
  firstHeldSerial: number;
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
    // A sale that nobody touched is scheduled.
    state: books.trimmed ? null : "scheduled",
    trimmed: books.trimmed,
    firstHeldSerial: Number.POSITIVE_INFINITY,
    orders: new Map(),
  };
  for (const entry of books.events) {
    readEvent(entry, events, findings);
  }
  return events;
}

/** An order's entry has one field, named after its new state, with the record that it then had. */
function readEvent(entry: StreamEvent, events: EventBooks, findings: Findings): void {
  const { event } = entry.fields;
  for (const state of orderStates) {
    const record = entry.fields[state];
    if (record !== undefined) {
      readOrderEvent(entry.id, state, record, events, findings);
      return;
    }
  }
  const state = settableStates.find((each) => each === event);
  if (event === "created") {
    events.created.push(entry.id);
    events.createdTickets += tickets(entry, "total", findings);
  } else if (event === "restocked") {
    events.restockedTickets += tickets(entry, "quantity", findings);
    events.comebacks += 1;
  } else if (state !== undefined) {
    events.state = state;
  } else {
    const found = `entry ${entry.id}: unknown event ${JSON.stringify(event ?? entry.fields)}`;
    findings.add("event", entry.id, found);
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

function readOrderEvent(
  id: string,
  state: OrderState,
  record: string,
  events: EventBooks,
  findings: Findings,
): void {
  const fields = splitRecord(record);
  if (fields?.state !== state) {
    const found = `entry ${id}: it is no record of a ${state} order: ${JSON.stringify(record)}`;
    findings.add("event", id, found);
    return;
  }
  const { serial, core, cause } = fields;
  const known = events.orders.get(serial);
  events.comebacks += state === "released" ? 1 : 0;
  if (state === "held") {
    events.firstHeldSerial = Math.min(events.firstHeldSerial, Number(serial));
    if (known === undefined) {
      events.orders.set(serial, { heldIds: [id], core, record, revision: 1, cause });
    } else {
      known.heldIds.push(id);
    }
    return;
  }
  const revision = Number(fields.revision);
  if (known === undefined && mayBeTrimmed(events, serial)) {
    events.orders.set(serial, { heldIds: [], core, record, revision, cause });
    return;
  }
  if (known === undefined) {
    const found = `entry ${id}: order ${serial} is ${state}, but no held event came before`;
    findings.add("event", id, found);
    return;
  }
  followChange(id, known, { core, record, revision, cause }, findings);
}

/** Whether the `held` entry of an order may have been trimmed, so that its absence means nothing. */
export function mayBeTrimmed(events: EventBooks, serial: string): boolean {
  return events.trimmed && Number(serial) < events.firstHeldSerial;
}

/** A change is of the same order, one revision later, and one that an order may make. */
function followChange(
  id: string,
  known: OrderEvents,
  { core, record, revision, cause }: Omit<OrderEvents, "heldIds">,
  findings: Findings,
): void {
  if (core !== known.core) {
    const found = `${JSON.stringify(record)}, it was ${JSON.stringify(known.record)}`;
    findings.add("event", id, `entry ${id}: it makes another order of the same serial: ${found}`);
  }
  if (revision !== known.revision + 1) {
    const kind = revision <= known.revision ? "duplicate" : "event";
    const text = `entry ${id}: revision ${revision} of an order, revision ${known.revision} before`;
    findings.add(kind, id, text);
  }
  if (!transitions.some((each) => each.after === known.cause && each.cause === cause)) {
    const text = `entry ${id}: an order that is ${known.cause} may not become ${cause}`;
    findings.add("event", id, text);
  }
  known.record = record;
  known.revision = revision;
  known.cause = cause;
}
