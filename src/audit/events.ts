import { readEntry, recordsUpTo, type StreamEntry } from "../ledger/outbox/entry.ts";
import { encodeFullRecord, type OrderBatch, type OrderRecord, transitions } from "../sale/order.ts";
import type { SaleBooks } from "./books.ts";
import { type DefinitionBooks, followDefinition } from "./definitions.ts";
import { type Findings, stated } from "./findings.ts";

/** What is in the stream of one order, which it names by its token. */
export interface OrderEvents {
  /** Ids of its `held` entries; there must be exactly one, unless it may have been trimmed. */
  readonly heldIds: readonly string[];
  /** Its newest record; the ledger must have the same. */
  readonly record: OrderRecord;
  /** It is of a dead letter that was sent back after newer ones were trimmed, perhaps. */
  readonly late: boolean;
}

/** What is in the stream of a sale. */
export interface EventBooks {
  readonly definitions: DefinitionBooks;
  /** Entries after which stock may have come back. */
  comebacks: number;
  /** Records that the last entry counts; null: no entry does. */
  records: number | null;
  /** Older entries are gone: what is missing in here may have stood there. */
  readonly trimmed: boolean;
  /** Holds come in the order of their serials: what is trimmed held orders below this one. */
  firstHeldSerial: number;
  /** By entry. */
  readonly batches: Map<string, OrderBatch>;
  /** By token. */
  readonly orders: Map<string, OrderEvents>;
}

/** Sums a sale's stream up. An entry that cannot be understood is a difference. */
export function readEvents(books: SaleBooks, findings: Findings): EventBooks {
  const events: EventBooks = {
    definitions: { created: 0, createdTickets: 0, restockedTickets: 0, last: null },
    comebacks: 0,
    records: books.trimmed ? null : 0,
    trimmed: books.trimmed,
    firstHeldSerial: Number.POSITIVE_INFINITY,
    batches: new Map(),
    orders: new Map(),
  };
  for (const entry of books.events) {
    readEvent(entry, events, findings);
  }
  return events;
}

/** Whether the `held` entry of an order may have been trimmed, so that its absence means nothing. */
export function mayBeTrimmed(events: EventBooks, serial: number): boolean {
  return events.trimmed && serial < events.firstHeldSerial;
}

function readEvent(entry: StreamEntry, events: EventBooks, findings: Findings): void {
  const { id } = entry;
  const reading = readEntry(entry);
  if (reading.kind === "orders") {
    const { records, unreadable, batch, letter } = reading;
    countRecords(entry, records.length, letter, events, findings);
    if (batch !== null) {
      events.batches.set(id, batch);
    }
    for (const { place, reason } of unreadable) {
      findings.add("event", id, `entry ${id}, place ${place}: ${reason}`);
    }
    readOrders(id, records, letter, events, findings);
    return;
  }
  if (reading.kind === "sale") {
    const { definition } = reading;
    countRecords(entry, 0, null, events, findings);
    events.comebacks += definition.cause === "restocked" ? 1 : 0;
    followDefinition(id, definition, events.definitions, findings);
    return;
  }
  const reason = reading.kind === "gone" ? "it has no fields" : reading.reason;
  findings.add("event", id, `entry ${id}: ${reason}`);
  // How many records are in it nobody knows, so the next entry cannot be held against this one.
  events.records = recordsUpTo(entry) ?? null;
}

/** Each entry counts the records up to and with it; one that was taken out is missed by the next. */
function countRecords(
  entry: StreamEntry,
  size: number,
  letter: string | null,
  events: EventBooks,
  findings: Findings,
): void {
  const count = recordsUpTo(entry);
  const before = events.records;
  // A dead letter that was an entry as a whole comes back with records that were counted then.
  const again = letter !== null && count === before;
  if (before !== null && count !== before + size && !again) {
    const text = `entry ${entry.id}: it counts ${stated(count)} records, with its own there are`;
    findings.add("event", entry.id, `${text} ${before + size}`);
  }
  events.records = count;
}

function readOrders(
  id: string,
  records: readonly (OrderRecord | null)[],
  letter: string | null,
  events: EventBooks,
  findings: Findings,
): void {
  // The orders of an entry share it, as there may be a million.
  const heldIds = [id];
  let released = 0;
  for (const record of records) {
    if (record === null) {
      continue;
    }
    if (letter !== null) {
      readLetter(id, record, events, findings);
    } else if (record.cause === "held") {
      readHeld(heldIds, record, events, findings);
    } else {
      readChange(id, record, events, findings);
      released += record.state === "released" ? 1 : 0;
    }
  }
  events.comebacks += released > 0 ? 1 : 0;
}

function readHeld(
  heldIds: readonly string[],
  record: OrderRecord,
  events: EventBooks,
  findings: Findings,
): void {
  const { token, serial } = record;
  const known = events.orders.get(token);
  events.firstHeldSerial = Math.min(events.firstHeldSerial, serial);
  if (known?.record.serial === serial) {
    events.orders.set(token, { ...known, heldIds: [...known.heldIds, ...heldIds] });
    return;
  }
  if (known !== undefined && known.record.state !== "released") {
    const other = `order ${known.record.serial}, which is ${known.record.state}`;
    const text = `entry ${heldIds[0]}: order ${serial} was sold for the token of ${other}`;
    findings.add("duplicate", String(serial), text);
  }
  events.orders.set(token, { heldIds, record, late: false });
}

/** A change is of the same order, one revision later, and one that an order may make. */
function readChange(id: string, record: OrderRecord, events: EventBooks, findings: Findings): void {
  const { token, serial, state, revision, cause } = record;
  const known = events.orders.get(token);
  if (known === undefined) {
    if (!mayBeTrimmed(events, serial)) {
      const text = `entry ${id}: order ${serial} is ${state}, but no held event came before`;
      findings.add("event", id, text);
      return;
    }
    events.orders.set(token, { heldIds: [], record, late: false });
    return;
  }
  const before = known.record;
  compareCores(id, record, before, findings);
  if (!known.late && revision !== before.revision + 1) {
    const kind = revision <= before.revision ? "duplicate" : "event";
    const text = `entry ${id}: revision ${revision} of an order, revision ${before.revision} before`;
    findings.add(kind, id, text);
  }
  const follows = transitions.some((each) => each.after === before.cause && each.cause === cause);
  if (!known.late && !follows) {
    const text = `entry ${id}: an order that is ${before.cause} may not become ${cause}`;
    findings.add("event", id, text);
  }
  events.orders.set(token, { heldIds: known.heldIds, record, late: false });
}

/** A dead letter that was sent back repeats what an older entry had, and changes nothing. */
function readLetter(id: string, record: OrderRecord, events: EventBooks, findings: Findings): void {
  const { token, serial, revision } = record;
  const known = events.orders.get(token);
  if (known === undefined) {
    if (!mayBeTrimmed(events, serial)) {
      const text = `entry ${id}: a dead letter of order ${serial}, of which no entry came before`;
      findings.add("event", id, text);
      return;
    }
    events.orders.set(token, { heldIds: [], record, late: true });
    return;
  }
  const before = known.record;
  compareCores(id, record, before, findings);
  const differs = revision === before.revision && !isSameRecord(record, before);
  if (known.late && revision > before.revision) {
    events.orders.set(token, { ...known, record });
  } else if (differs || revision > before.revision) {
    const found = `${JSON.stringify(encodeFullRecord(record))}, it was`;
    const text = `entry ${id}: a dead letter has ${found} ${JSON.stringify(encodeFullRecord(before))}`;
    findings.add("event", id, text);
  }
}

/** What never changes in the life of an order. */
function compareCores(
  id: string,
  record: OrderRecord,
  before: OrderRecord,
  findings: Findings,
): void {
  if (!isSameCore(record, before)) {
    const [now, then] = [record, before].map((each) => JSON.stringify(encodeFullRecord(each)));
    const text = `entry ${id}: it makes another order of the same token: ${now}, it was ${then}`;
    findings.add("event", id, text);
  }
}

function isSameCore(a: OrderRecord, b: OrderRecord): boolean {
  return (
    a.serial === b.serial &&
    a.quantity === b.quantity &&
    a.heldAtMs === b.heldAtMs &&
    a.payByMs === b.payByMs &&
    a.buyer === b.buyer &&
    a.hash === b.hash
  );
}

/** Whether two records mean the same, whatever their form. */
export function isSameRecord(a: OrderRecord, b: OrderRecord): boolean {
  return (
    isSameCore(a, b) &&
    a.state === b.state &&
    a.revision === b.revision &&
    a.changedAtMs === b.changedAtMs &&
    a.cause === b.cause
  );
}
