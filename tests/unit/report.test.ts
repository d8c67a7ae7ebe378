import { describe, expect, test } from "bun:test";

import type { Aftermath } from "../../dev/load/aftermath.ts";
import { type Crowd, summarizeCrowd } from "../../dev/load/crowd.ts";
import { noOutcomes } from "../../dev/load/outcomes.ts";
import { columns, horizontalBar } from "../../dev/report/bars.ts";
import { formatReport } from "../../dev/report/report-text.ts";
import { type LedgerView, makeReport, withFault } from "../../dev/report/report.ts";
import { formatStock } from "../../dev/report/stock-text.ts";
import { readTimeline } from "../../dev/report/timeline.ts";
import { judge, judgeAcknowledged } from "../../dev/report/verdict.ts";
import type { SaleAudit } from "../../src/audit/audit-sale.ts";
import type { SaleBooks } from "../../src/audit/books.ts";
import { compareBooks } from "../../src/audit/compare-books.ts";
import type { StreamEntry } from "../../src/ledger/outbox/entry.ts";
import type { SaleSnapshot } from "../../src/sale/sale.ts";

const before: SaleSnapshot = {
  sale: "tickets",
  state: "open",
  total: 3,
  held: 0,
  paid: 0,
  left: 3,
  limit: 0,
  holdMs: 60_000,
  opensAtMs: 0,
  epoch: 5_000,
  serial: 0,
  secretId: "0123456789abcdef",
};

/** A crowd that was told this: so many answers of each status. */
function crowdOf(statuses: Readonly<Record<number, number>>, failed = 0): Crowd {
  const latenciesMs = new Map(
    Object.entries(statuses).map(([status, count]) => [
      Number(status),
      new Float64Array(count).fill(1.5),
    ]),
  );
  const errors: Record<string, number> = failed === 0 ? {} : { timeout: failed };
  return summarizeCrowd({ seconds: 2, latenciesMs, errors }, "h2load");
}

function tokenOf(serial: number): string {
  return String(serial).padStart(22, "t");
}

/** The record of an order of so many tickets that was held, or changed after that. */
function recordOf(serial: number, state = "held", quantity = 1): string {
  const cause = state === "released" ? "lapsed" : state;
  const change = state === "held" ? [1, 7_000] : [2, 8_000];
  const core = [state, serial, quantity, 7_000, 9_000, ""];
  return [...core, ...change, cause, "01234567890"].join("\t");
}

/** An entry with one order, the `count`th record of the sale. */
function order(id: string, serial: number, state: string, quantity = 1, count = 0): StreamEntry {
  const text = ["", tokenOf(serial), recordOf(serial, state, quantity)].join("\n");
  return { sale: "tickets", id, fields: ["n", String(count), "orders", text] };
}

/** An entry with the sale, as it is after the `revision`th change of it. */
function sale(id: string, revision: number, cause: string, total = 3): StreamEntry {
  const state = cause === "created" ? "scheduled" : cause === "restocked" ? "open" : cause;
  const what = [revision, 6_000, cause, state, total, 0, 60_000, 0, "0123456789abcdef"];
  return { sale: "tickets", id, fields: ["n", "0", "sale", what.join("\t")] };
}

/** Books of a sale of three tickets, `sold` of which were sold, one an order, 100 ms apart. */
function booksOf(sold: number): SaleBooks {
  const serials = Array.from({ length: sold }, (_, i) => i + 1);
  const figures = { total: 3, held: sold, paid: 0, limit: 0, holdMs: 60_000, opensAtMs: 0 };
  const others = { records: sold, revision: 2, secretId: "0123456789abcdef" };
  const begun = { epoch: 5_000, createdAtMs: 5_000, serial: sold, state: "open" };
  const stock = { ...figures, ...others, ...begun };
  const held = serials.map((serial) => order(`${serial * 100}-0`, serial, "held", 1, serial));
  return {
    sale: "tickets",
    stock: new Map(Object.entries(stock).map(([name, value]) => [name, String(value)])),
    secretId: "0123456789abcdef",
    orders: new Map(serials.map((serial) => [tokenOf(serial), recordOf(serial)])),
    batches: new Map(),
    buyers: new Map(),
    deadlines: new Map(serials.map((serial) => [`o${tokenOf(serial)}`, "9000"])),
    operations: new Map(),
    events: [sale("1-0", 1, "created"), sale("2-0", 2, "open"), ...held],
    trimmed: false,
  };
}

function viewOf(sold: number): Omit<LedgerView, "before"> {
  const books = booksOf(sold);
  const audit = { ...compareBooks(books), database: null };
  return { audit, made: sold, events: books.events, stored: new Map() };
}

const nodes = [
  { name: "node1", weight: 1, answered: 2, sold: 1 },
  { name: "node2", weight: 3, answered: 4, sold: 2 },
];

describe("the report", () => {
  test("has everything that the contract names", () => {
    const view = { before, ...viewOf(3) };
    const { report } = makeReport(crowdOf({ 201: 3, 410: 7 }), nodes, view, null);
    expect(report).toMatchObject({
      sale: "tickets",
      tickets: 3,
      requests: 10,
      seconds: 2,
      perSecond: 5,
      outcomes: { sold: 3, soldOut: 7, undecided: 0, busy: 0, failed: 0 },
      latencyMs: {
        sold: { p50: 1.5, p99: 1.5, p999: 1.5, max: 1.5 },
        soldOut: { p50: 1.5, p99: 1.5, p999: 1.5, max: 1.5 },
      },
      perNode: { node1: 2, node2: 4 },
      timeToSellOutMs: 200,
      books: { total: 3, held: 3, paid: 0, left: 0, orders: 3, duplicates: 0, lost: 0 },
      verdict: "balanced",
      faults: [],
      answeredByNginx: 4,
    });
  });

  test("does not claim what it cannot know", () => {
    const { report, details } = makeReport(crowdOf({ 201: 1 }), [], null, "rush");
    expect(report).toMatchObject({
      sale: "rush",
      tickets: null,
      latencyMs: { soldOut: null },
      perNode: {},
      timeToSellOutMs: null,
      books: null,
      verdict: null,
      answeredByNginx: null,
    });
    expect(formatReport(report, details, (_, text) => text)).toContain("books: not read");
  });

  test("knows no time to sell out while tickets are left", () => {
    const view = { before, ...viewOf(2) };
    expect(makeReport(crowdOf({ 201: 2 }), [], view, null).report).toMatchObject({
      timeToSellOutMs: null,
      verdict: "balanced",
    });
  });

  test("tells people the same as machines", () => {
    const view = { before, ...viewOf(3) };
    const crowd = crowdOf({ 201: 3, 410: 7, 503: 2 }, 4);
    const { report, details } = makeReport(crowd, nodes, view, null);
    const text = formatReport(report, details, (_, plain) => plain);
    expect(text).toContain("sale tickets: 3 tickets, 16 requests in 2.0 s, 6 answers a second");
    expect(text).toMatch(/^sold +3 +18\.8 % +1\.5 +1\.5 +1\.5 +1\.5$/m);
    expect(text).toMatch(/^busy +2 /m);
    expect(text).toMatch(/^no answer +4 +25\.0 %$/m);
    expect(text).toContain("no answer: 4 x timeout");
    expect(text).not.toContain("undecided");
    expect(text).toMatch(/^node2 +3 +75\.0 % +4 +66\.7 % +2 +█+$/m);
    expect(text).toContain("Nginx answered 6 itself");
    expect(text).toContain("sold out 200 ms after the first sale");
    expect(text).toContain("total 3 = held 3 + paid 0 + left 0");
    expect(text).toMatch(/^verdict: balanced$/m);
  });

  test("is unbalanced as soon as there is one fault", () => {
    const view = { before, ...viewOf(3) };
    const { report, details } = makeReport(crowdOf({ 201: 3 }), [], view, null);
    const faulty = withFault(report, "the moon is in the way");
    expect(faulty.verdict).toBe("unbalanced");
    const text = formatReport(faulty, details, (_, plain) => plain);
    expect(text).toContain("the moon is in the way");
    expect(text).toContain("verdict: unbalanced");
  });
});

describe("the verdict", () => {
  const sound: SaleAudit = {
    sale: "tickets",
    stock: {
      total: 3,
      held: 3,
      paid: 0,
      left: 0,
      limit: 0,
      epoch: 5_000,
      serial: 3,
      records: 3,
      state: "open",
    },
    orders: 3,
    events: 5,
    trimmed: 0,
    duplicates: 0,
    lost: 0,
    differenceCount: 0,
    differences: [],
    database: null,
  };
  const someLeft = { ...sound, stock: { ...sound.stock, held: 2, serial: 2, left: 1 }, orders: 2 };
  const three = { before, audit: sound, made: 3 };
  const two = { before, audit: someLeft, made: 2 };

  test("is for who was told sold and has an order, and for nobody else", () => {
    expect(judge(crowdOf({ 201: 3, 410: 5 }), three).faults).toEqual([]);
  });

  test("counts as lost who was told sold and has no order", () => {
    const { books, faults } = judge(crowdOf({ 201: 5 }), three);
    expect(faults).toEqual(['5 requests were told "sold", but only 3 orders were made']);
    expect(books.lost).toBe(2);
  });

  const aftermath: Aftermath = {
    payments: { share: 0.5, seen: 4, paid: 1, refunded: 0, failed: 0 },
    resale: { ...noOutcomes, sold: 1 },
    stock: [],
    soldOrders: new Set(["tickets.4.a"]),
    paidOrders: new Set(["tickets.1.a"]),
    faults: [],
  };

  test("counts those who bought what came back with the crowd", () => {
    const resold = { ...three, made: 4 };
    expect(judge(crowdOf({ 201: 3 }), resold).faults).toHaveLength(1);
    expect(judge(crowdOf({ 201: 3 }), resold, aftermath).faults).toEqual([]);
    const { books, faults } = judge(crowdOf({ 201: 4 }), resold, aftermath);
    expect({ lost: books.lost, faults: faults.length }).toEqual({ lost: 1, faults: 1 });
  });

  test("counts what the database has and what it lacks, where it was looked at", () => {
    const database = { address: "sqlite://x", orders: 2, missing: 1, behind: 0, deadLetters: 0 };
    const { books } = judge(crowdOf({ 201: 3 }), { ...three, audit: { ...sound, database } });
    expect(books).toMatchObject({ orders: 2, lost: 1 });
  });

  test("holds every promise to a buyer or a payer against the database", () => {
    const states = { "tickets.1.a": "paid", "tickets.4.a": "held" };
    expect(judgeAcknowledged(aftermath, new Map(Object.entries(states)))).toEqual([]);
    expect(judgeAcknowledged(aftermath, new Map([["tickets.1.a", "held"]]))).toEqual([
      "order tickets.4.a was acknowledged, but is not in the database",
      "the payment of order tickets.1.a was confirmed, in the database it is held",
    ]);
  });

  test("counts as lost what the stream does not have", () => {
    const differences = [{ kind: "lost", subject: "2", text: "order 2 is lost" }] as const;
    const audit = { ...sound, differences, differenceCount: 1, lost: 1 };
    const { books, faults } = judge(crowdOf({ 201: 3 }), { ...three, audit });
    expect(faults).toEqual(["order 2 is lost"]);
    expect(books.lost).toBe(1);
  });

  test("lets orders that nobody was told of stand for as many open answers, but not for more", () => {
    for (const crowd of [crowdOf({ 201: 1, 202: 2 }), crowdOf({ 201: 1, 502: 1 }, 1)]) {
      expect(judge(crowd, three).faults).toEqual([]);
    }
    expect(judge(crowdOf({ 201: 1, 202: 1, 503: 9 }), three).faults).toEqual([
      '3 orders were made, but 1 requests were told "sold", 1 are open',
    ]);
  });

  test("does not count what was sold before the crowd came", () => {
    const later = { ...three, before: { ...before, held: 1, left: 2, serial: 1 }, made: 2 };
    expect(judge(crowdOf({ 201: 2 }), later).faults).toEqual([]);
    expect(judge(crowdOf({ 201: 3 }), later).books.lost).toBe(1);
  });

  test("does not count serials of places that got nothing", () => {
    const gaps = { ...sound, stock: { ...sound.stock, serial: 9 } };
    expect(judge(crowdOf({ 201: 3 }), { ...three, audit: gaps }).faults).toEqual([]);
  });

  test("is against who says sold out while tickets are left", () => {
    expect(judge(crowdOf({ 201: 2, 410: 4 }), two).faults).toEqual([
      '4 requests were told "sold out", but 1 tickets are left: undersold',
    ]);
  });

  test("takes sold out for true where stock came back later", () => {
    const back = { ...someLeft, stock: { ...someLeft.stock, epoch: 5_001 } };
    expect(judge(crowdOf({ 201: 2, 410: 4 }), { ...two, audit: back }).faults).toEqual([]);
  });

  test("says ten differences, and how many more there are", () => {
    const differences = Array.from({ length: 12 }, (_, i) => ({
      kind: "order" as const,
      subject: String(i),
      text: `difference ${i}`,
    }));
    const audit = { ...sound, differences, differenceCount: 40 };
    const { faults } = judge(crowdOf({ 201: 3 }), { ...three, audit });
    expect(faults.length).toBe(11);
    expect(faults.at(-1)).toContain("and 30 more");
  });
});

describe("the charts", () => {
  test("a timeline has each ticket of the crowd in its slice, and no other", () => {
    const events = [
      sale("900-0", 2, "open"),
      order("950-0", 1, "held", 9),
      order("1000-0", 2, "held", 1),
      order("1000-1", 3, "held", 2),
      order("1119-0", 4, "held", 4),
      sale("1200-0", 3, "closed"),
    ];
    const timeline = readTimeline(events, { ...before, left: 9, serial: 1 });
    expect(timeline).toMatchObject({ durationMs: 119, sliceMs: 2 });
    expect(timeline?.tickets.length).toBe(60);
    expect([timeline?.tickets[0], timeline?.tickets.at(-1)]).toEqual([3, 4]);
    expect(timeline?.tickets.reduce((sum, count) => sum + count, 0)).toBe(7);
    expect(timeline?.soldOut).toBe(false);
    expect(readTimeline(events, { ...before, left: 9, serial: 4 })).toBeNull();
  });

  test("a timeline ends where the tickets are sold out, counting those that came back before", () => {
    const events = [
      order("100-0", 1, "held", 2),
      order("120-0", 1, "released", 2),
      sale("130-0", 3, "restocked", 4),
      order("150-0", 2, "held", 3),
      order("160-0", 2, "paid", 3),
      order("190-0", 3, "held", 1),
      order("900-0", 2, "released", 3),
      order("950-0", 4, "held", 3),
    ];
    const timeline = readTimeline(events, before);
    expect(timeline).toMatchObject({ durationMs: 90, soldOut: true });
    expect(timeline?.tickets.reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(readTimeline(events.slice(0, 5), before)).toMatchObject({ soldOut: false });
  });

  test("left, held and paid are drawn to one scale, with how they began and ended", () => {
    const stock = [
      { atMs: 0, left: 3, held: 0, paid: 0 },
      { atMs: 100, left: 0, held: 2, paid: 1 },
      { atMs: 200, left: 0, held: 0, paid: 3 },
    ];
    const [head, ...lines] = formatStock(stock, 3);
    expect(head).toBe("left, held and paid over 0.2 s, 67 ms a column");
    expect(lines.map((line) => line.trim()).filter((line) => /^[a-z]/.test(line))).toEqual([
      "left  █    3 to 0",
      "held   █   0 to 0",
      "paid   ▅█  0 to 3",
    ]);
  });

  test("columns reach as high as their values, and what is not nothing is seen", () => {
    expect(columns([0, 1, 8, 16], 2)).toEqual(["   █", " ▁██"]);
    expect(columns([0, 1, 10_000], 1)).toEqual([" ▁█"]);
    expect(columns([0, 3, 0], 1)).toEqual([" █"]);
  });

  test("a bar is as long as its share, to an eighth of a character", () => {
    expect(horizontalBar(0.5, 4)).toBe("██");
    expect(horizontalBar(0.53125, 4)).toBe("██▏");
    expect(horizontalBar(2, 4)).toBe("████");
    expect(horizontalBar(0, 4)).toBe("");
  });
});
