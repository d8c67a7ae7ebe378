import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { type BooksReading, readBooks } from "../../src/audit/books.ts";
import { compareBooks } from "../../src/audit/compare-books.ts";
import { changedKey } from "../../src/ledger/keys.ts";
import { scripts } from "../../src/ledger/scripts.ts";
import { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { type Ask, SaleScripts, testSecret, tokenOf } from "./support/sale-scripts.ts";

let server: RedisServer;
let sale: SaleScripts;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.remove());

/**
 * Ten tickets and two restocked; six orders of eight tickets by four buyers: 1 and 2 were sold
 * without a batch, 3, 4, 6 and 7 as a batch, in which place 2 was a repetition.
 */
beforeEach(async () => {
  sale = new SaleScripts(server.client);
  await sale.create({ total: 10, limit: 4 });
  await sale.setState("open");
  await sale.hold([
    ["k1", "ann"],
    ["k2", "bob", 2],
  ]);
  const batch: Ask[] = [
    ["k3", "ann", 2],
    ["k4", "cyd"],
    ["k1", "ann"],
    ["k5", "bob"],
    ["k6", "dan"],
  ];
  await sale.hold(batch, { ref: "b2" });
  await sale.restock("restock-1", 2);
});
afterEach(() => server.client.flushall());

const redis = () => server.client;
const keys = () => sale.keys;

/** The sentences of the audit; "not read" where the books could not be read. */
async function sentences(id = "tickets"): Promise<string[]> {
  const reading: BooksReading = await readBooks(server.url, id);
  return reading.kind === "read"
    ? compareBooks(reading.books).differences.map((difference) => difference.text)
    : [`not read: ${reading.kind}`];
}

/** Changes the record of an order as no script would. */
async function rewrite(key: string, change: (record: string) => string): Promise<void> {
  const record = (await redis().hget(keys().orders, tokenOf(key))) ?? "";
  await redis().hset(keys().orders, tokenOf(key), change(record));
}

function confirm(id: SaleScripts, ...named: unknown[]): Promise<unknown> {
  const { stock, orders, batches, buyers, deadlines, events } = id.keys;
  const all = [stock, orders, batches, buyers, deadlines, events];
  return id.run(scripts.confirm, all, [0, JSON.stringify(named)]);
}

function release(id: SaleScripts, ...args: unknown[]): Promise<unknown> {
  const { stock, orders, batches, buyers, deadlines, events } = id.keys;
  const all = [stock, orders, batches, buyers, deadlines, events, changedKey];
  return id.run(scripts.release, all, args);
}

describe("the audit", () => {
  test("finds nothing where the books balance", async () => {
    const reading = await readBooks(server.url, "tickets");
    if (reading.kind !== "read") {
      throw new Error(`not read: ${reading.kind}`);
    }
    const result = compareBooks(reading.books);
    expect(result.differences).toEqual([]);
    expect(result).toMatchObject({ orders: 6, events: 5, duplicates: 0, lost: 0 });
    expect(result.stock).toMatchObject({ total: 12, held: 8, paid: 0, left: 4, serial: 7 });
  });

  test("reads the secret, and has no more of it than its fingerprint", async () => {
    const reading = await readBooks(server.url, "tickets");
    const text = Bun.inspect(reading, { depth: 10 });
    expect(text).toContain(tokenOf("k1"));
    expect(text).not.toContain(testSecret);
  });

  test.each([0, 9])(
    "finds nothing after payments, cancellations, a revival and a lapse, with limit %i",
    async (limit) => {
      const short = new SaleScripts(server.client, "short");
      await short.create({ total: 7, holdMs: 1_000, limit });
      await short.setState("open");
      const asks: Ask[] = [
        ["a", "eve"],
        ["b", "ann", 2],
        ["c", "cyd"],
        ["d", "bob"],
        ["e", "ann"],
      ];
      await short.hold(asks);
      await short.hold([["f", "bob"]]);
      const { stock } = short.keys;
      await confirm(short, 1, tokenOf("a"));
      await release(short, "cancelled", 0, JSON.stringify([3, tokenOf("c")]));
      expect(await sentences("short")).toEqual([]);
      await until("the held orders have lapsed", async () => {
        await release(short, "lapsed", 0, 100, Date.now());
        return (await server.client.hget(stock, "held")) === "0";
      });
      await confirm(short, 2, tokenOf("b"));
      expect(await sentences("short")).toEqual([]);
      const tokens = ["a", "b", "c", "d", "e", "f"].map(tokenOf);
      const records = await server.client.hmget(short.keys.orders, ...tokens);
      expect(records.map((record) => record?.split("\t").at(-2))).toEqual([
        "paid",
        "revived",
        "cancelled",
        "lapsed",
        "lapsed",
        "lapsed",
      ]);
    },
  );

  test("finds nothing in a sale whose stream was trimmed, and says how much it cannot see", async () => {
    const events = await redis().xrange(keys().events, "-", "+");
    await redis().xtrim(keys().events, "MINID", events[3]?.[0] ?? "");
    const reading = await readBooks(server.url, "tickets");
    if (reading.kind !== "read") {
      throw new Error(`not read: ${reading.kind}`);
    }
    const { differences, trimmed } = compareBooks(reading.books);
    expect({ differences, trimmed }).toEqual({ differences: [], trimmed: 2 });
    const named = [3, tokenOf("k3"), 4, tokenOf("k4"), 6, tokenOf("k5"), 7, tokenOf("k6")];
    await confirm(sale, ...named);
    await redis().xtrim(keys().events, "MAXLEN", 0);
    expect(await sentences()).toEqual([]);
  });

  test("finds nothing in a sale of several pages, of large entries and small ones", async () => {
    const big = new SaleScripts(server.client, "big");
    await big.create({ total: 4_000 });
    await big.setState("open");
    for (let order = 0; order < 300; order += 1) {
      await big.hold([[`small-${order}`]]);
    }
    for (let batch = 0; batch < 5; batch += 1) {
      await big.hold(Array.from({ length: 700 }, (_, i) => [`b${batch}-${i}`] as const));
    }
    for (let order = 300; order < 500; order += 1) {
      await big.hold([[`small-${order}`]]);
    }
    const reading = await readBooks(server.url, "big");
    if (reading.kind !== "read") {
      throw new Error(`not read: ${reading.kind}`);
    }
    const found = { orders: 4_000, events: 507, differenceCount: 0 };
    expect(compareBooks(reading.books)).toMatchObject(found);
  });

  test("does not miss serials of places that got nothing", async () => {
    await redis().hset(keys().stock, "serial", 99);
    expect(await sentences()).toEqual([]);
  });

  test("accepts dead letters that were sent back, before and after their order changed", async () => {
    await addOrders(["", tokenOf("k1"), await sale.recordOf("k1")], ["letter", "7-0"]);
    const held = await sale.recordOf("k4");
    await confirm(sale, 4, tokenOf("k4"));
    await addOrders(["", tokenOf("k4"), held], ["letter", "7-1"]);
    await addOrders(["", tokenOf("k4"), await sale.recordOf("k4")], ["letter", "7-2"]);
    expect(await sentences()).toEqual([]);
    await confirm(sale, 1, tokenOf("k1"));
    // An entry that was one as a whole comes back whole, and its records are not counted again.
    const [, fields = []] = (await redis().xrange(keys().events, "-", "+"))[3] ?? [];
    const count = (await redis().hget(keys().stock, "records")) ?? "";
    await redis().xadd(keys().events, "*", "n", count, ...fields.slice(2), "letter", "7-3");
    expect(await sentences()).toEqual([]);
  });

  test("says that there is no such sale", async () => {
    expect(await sentences("nosuch")).toEqual(["not read: noSale"]);
    expect(await sentences("NO SALE")).toEqual(["not read: noSale"]);
  });

  test("says so where the sale never stands still", async () => {
    const busy = server.client.duplicate();
    const stop = new AbortController();
    const selling = (async () => {
      while (!stop.signal.aborted) {
        await busy.hincrby(sale.keys.stock, "serial", 1);
      }
    })();
    try {
      expect(await readBooks(server.url, "tickets")).toEqual({ kind: "moving", attempts: 5 });
    } finally {
      stop.abort();
      await selling;
      busy.disconnect();
    }
  });

  test("does not take a fence for a change", async () => {
    await sale.lookup(["k1"], 1);
    expect(await sentences()).toEqual([]);
  });

  test("says who does not answer, without the password", async () => {
    const reading = readBooks("redis://user:secret@127.0.0.1:1/0", "tickets").then(String, String);
    expect(await reading).toContain("the ledger at redis://***@127.0.0.1:1/0 did not answer");
    expect(await reading).not.toContain("secret");
  });
});

/** The record of an order that was changed, as no sale of these tests has it. */
function changed(state: string, serial: number, revision: number, cause = state): string {
  return [state, serial, 1, 2, 3, "", revision, 4, cause, "01234567890"].join("\t");
}

/** The record of a held order after a change. */
function next(record: string, state: string, revision = 2, cause = state): string {
  return record.replace("held", state).replace(/1\t(\d+)\theld/, `${revision}\t$1\t${cause}`);
}

/** Adds an entry with these lines, and counts its records, as scripts do. */
async function addOrders(lines: readonly string[], more: readonly string[] = []): Promise<void> {
  const added = Math.floor((lines.length - 1) / 2);
  const count = await redis().hincrby(keys().stock, "records", added);
  await redis().xadd(keys().events, "*", "n", count, "orders", lines.join("\n"), ...more);
}

/** Adds a definition of the sale that is like the last one but for these fields. */
async function define(changes: Readonly<Record<string, string | number>>): Promise<void> {
  const stock: Record<string, string> = await redis().hgetall(keys().stock);
  const definition = { ...stock, revision: 4, changedAtMs: 9, cause: "open", ...changes };
  const names = ["revision", "changedAtMs", "cause", "state", "total", "limit", "holdMs"];
  const fields = Object.entries(definition);
  const valueOf = (name: string) => fields.find(([each]) => each === name)?.[1];
  const text = [...names, "opensAtMs", "secretId"].map(valueOf).join("\t");
  await redis().xadd(keys().events, "*", "n", stock["records"] ?? "", "sale", text);
}

/** The row of batch b2 with other fields: entry, first, held at, pay by, living. */
async function rewriteRow(change: (row: string[]) => string[]): Promise<void> {
  const row = (await redis().hget(keys().batches, "b2")) ?? "";
  await redis().hset(keys().batches, "b2", change(row.split("\t")).join("\t"));
}

/** A second batch, b3: serials 8 to 11. */
async function sellAnotherBatch(): Promise<void> {
  const asks = ["k7", "k8", "k9", "k10"].map((key) => [key, `buyer of ${key}`] as const);
  await sale.hold(asks, { ref: "b3" });
}

async function entryIds(): Promise<string[]> {
  return (await redis().xrange(keys().events, "-", "+")).map(([id]) => id);
}

/** Each fault, planted by hand behind the scripts' back, and what has to be said of it. */
type Plant = readonly [
  what: string,
  plant: () => Promise<unknown>,
  said: () => readonly (string | RegExp)[],
];

const unreadable: readonly string[][] = [
  ["what", "else"],
  ["n", "many", "orders", ""],
  ["n", "6", "burnt", ""],
  ["n", "6", "sale", "4\tmany"],
  ["n", "6", "orders", "\nalone"],
  ["n", "6", "orders", "no batch"],
];

const plants: readonly Plant[] = [
  [
    "tickets made out of nothing",
    () => redis().hset(keys().stock, "total", 13),
    () => [
      "stock: total is 13, its last event has 12",
      "stock: total is 13, it was created with 10 and restocked with 2",
    ],
  ],
  [
    "more held than there is",
    () => redis().hset(keys().stock, "held", 13),
    () => [
      "stock: 13 tickets are held or paid, of 12: oversold",
      "stock: 13 tickets are held, the orders make 8",
      "buyers: their counts add up to 8, held + paid is 13",
    ],
  ],
  [
    "a negative figure",
    () => redis().hset(keys().stock, "paid", -1),
    () => ['stock: paid is "-1", not a whole number from 0 up'],
  ],
  [
    "a field that is gone",
    () => redis().hdel(keys().stock, "held"),
    () => ["stock: held is missing, not a whole number from 0 up"],
  ],
  [
    "a state that is none",
    () => redis().hset(keys().stock, "state", "ajar"),
    () => ['stock: "ajar" is no state of a sale', "stock: state is ajar, its last event has open"],
  ],
  [
    "a state that nobody set",
    () => redis().hset(keys().stock, "state", "closed"),
    () => ["stock: state is closed, its last event has open"],
  ],
  [
    "a definition that nobody changed",
    () => redis().hset(keys().stock, "limit", 5, "holdMs", 2_000, "opensAtMs", 7, "revision", 9),
    () => [
      "stock: limit is 5, its last event has 4",
      "stock: holdMs is 2000, its last event has 60000",
      "stock: opensAtMs is 7, its last event has 0",
      "stock: revision is 9, its last event has 3",
    ],
  ],
  [
    "a secret that is not the one that tokens are made with",
    () => redis().set(keys().secret, "x".repeat(43)),
    () => [/^secret: its fingerprint is [0-9a-f]{16}, stock names [0-9a-f]{16}$/],
  ],
  [
    "a secret that is gone",
    () => redis().del(keys().secret),
    () => [/^secret: its fingerprint is nothing, stock names [0-9a-f]{16}$/],
  ],
  [
    "a secret whose name was changed",
    () => redis().hset(keys().stock, "secretId", "0123456789abcdef"),
    () => [
      /^secret: its fingerprint is [0-9a-f]{16}, stock names 0123456789abcdef$/,
      /^stock: secretId is 0123456789abcdef, its last event has [0-9a-f]{16}$/,
    ],
  ],
  [
    "an epoch that nothing explains",
    () => redis().hset(keys().stock, "epoch", 3),
    () => [/^stock: epoch is 3, created at \d+, at most 1 comebacks$/],
  ],
  [
    "a restock without an event",
    () => redis().hset(keys().operations, "restock-2", 5),
    () => [
      "operations: they restocked 7, the stream has 2",
      "stock: total is 12, it was created with 10 and restocked with 7",
    ],
  ],
  [
    "an operation that added no number",
    () => redis().hset(keys().operations, "restock-2", "many"),
    () => ['operation restock-2: its quantity is "many", not a number'],
  ],
  [
    "records that the stream does not have",
    () => redis().hset(keys().stock, "records", 7),
    () => ["stock: it counts 7 records in the stream, the last entry 6"],
  ],
  [
    "an order that vanished",
    () => redis().hdel(keys().orders, tokenOf("k2")),
    () => [
      "stock: 8 tickets are held, the orders make 6",
      "stream: it has order 2, which is not there",
      "buyer bob: counted with 3, their orders make 1 tickets",
      /^deadline \d+: it is for token [\w-]{6}\.\.\., which has no order$/,
    ],
  ],
  [
    "an order of a batch that vanished",
    () => redis().hdel(keys().orders, tokenOf("k4")),
    () => [
      "stock: 8 tickets are held, the orders make 7",
      "stream: it has order 4, which is not there",
      "batch b2: it counts 4 records, 3 name it",
    ],
  ],
  [
    "a serial that went back",
    () => redis().hset(keys().stock, "serial", 6),
    () => ["stock: serial is 6, but there is an order 7"],
  ],
  [
    "a serial that two tokens have",
    async () => {
      const record = (await redis().hget(keys().orders, tokenOf("k2"))) ?? "";
      await redis().hset(keys().orders, tokenOf("k9"), record);
    },
    () => [
      "stock: 8 tickets are held, the orders make 10",
      /^serial 2: both tickets\.2\.[\w-]{6}\.\.\. and tickets\.2\.[\w-]{6}\.\.\. have it$/,
      "order 2: it has no held event in the stream",
      "buyer bob: counted with 3, their orders make 5 tickets",
      "buyer bob: has 5 tickets, the limit is 4",
      /^order 2: to be paid by \d+, but it has no deadline$/,
    ],
  ],
  [
    "a token with two orders, none of which is released",
    () => addOrders(["", tokenOf("k1"), changed("held", 9, 1)]),
    () => [
      /^entry \S+: order 9 was sold for the token of order 1, which is held$/,
      /^order 1: the ledger has "held\\t1\\t.*", its last event has "held\\t9\\t.*"$/,
    ],
  ],
  [
    "orders that no script wrote",
    async () => {
      await rewrite("k1", () => "held\tone");
      await rewrite("k4", (record) => record.replace("1\t1\t", "1\t0\t"));
      await redis().hset(keys().orders, "k99", changed("held", 5, 1));
    },
    () => [
      /^token [\w-]{6}\.\.\.: an order's record cannot be read: "held\\tone"$/,
      /^token [\w-]{6}\.\.\.: an order's record of batch "b2" cannot be read: "1\\t0\\tcyd\\tb2\\t.*"$/,
      /^token k99\.\.\.: an order's record cannot be read: "held\\t5\\t.*"$/,
    ],
  ],
  [
    "orders whose event was lost",
    async () => redis().xdel(keys().events, (await entryIds())[2] ?? ""),
    () => [
      "order 1: it has no held event in the stream",
      "order 2: it has no held event in the stream",
      /^entry \S+: it counts 6 records, with its own there are 4$/,
    ],
  ],
  [
    "a creation that was lost",
    async () => {
      // Not as trimming does it: what is left is a stream that never had it.
      const [, ...rest] = await redis().xrange(keys().events, "-", "+");
      await redis().del(keys().events);
      for (const [id, fields] of rest) {
        await redis().xadd(keys().events, id, ...fields);
      }
    },
    () => ["stream: 0 created events, there must be exactly one"],
  ],
  [
    "an event that came twice",
    async () => addOrders(["", tokenOf("k1"), await sale.recordOf("k1")]),
    () => [/^order 1: 2 held events \(\S+, \S+\), there must be one$/],
  ],
  [
    "an entry that counts no records",
    async () => {
      const lines = ["", tokenOf("k1"), await sale.recordOf("k1")].join("\n");
      await redis().xadd(keys().events, "*", "n", 6, "orders", lines);
    },
    () => [/^entry \S+: it counts 6 records, with its own there are 7$/],
  ],
  [
    "an event that tells another story than the ledger",
    () => rewrite("k4", (record) => record.replace("\tcyd\t", "\teve\t")),
    () => [
      /^order 4: the ledger has "held.*eve.*", its last event has "held.*cyd.*"$/,
      "buyer eve: counted with nothing, their orders make 1 tickets",
      "buyer cyd: counted with 1, their orders make 0 tickets",
    ],
  ],
  [
    "an order at another place of its batch",
    () => rewrite("k4", (record) => record.replace(/^1/, "2")),
    () => [/^order 5: the ledger has "held\\t5\\t.*", its last event has "held\\t4\\t.*"$/],
  ],
  [
    "an order that was paid without an event",
    () => rewrite("k1", (record) => next(record, "paid")),
    () => [
      /^order 1: the ledger has "paid.*", its last event has "held.*"$/,
      "stock: 8 tickets are held, the orders make 7",
      "stock: 0 tickets are paid, the orders make 1",
      /^order 1: it is paid, but has a deadline, \d+$/,
    ],
  ],
  ...unreadable.map((fields): Plant => [
    `an entry that is none: ${JSON.stringify(fields)}`,
    () => redis().xadd(keys().events, "*", ...fields),
    () => [/^entry \S+: (it|no) /],
  ]),
  [
    "records of an entry that are none",
    () => addOrders(["", tokenOf("k9"), "sold", tokenOf("k8"), "0\t1\t\tb9\t01234567890"]),
    () => [/^entry \S+, place 0: /, /^entry \S+, place 1: /],
  ],
  [
    "a second creation",
    () => define({ cause: "created", state: "scheduled", revision: 1 }),
    () => ["stream: 2 created events, there must be exactly one"],
  ],
  [
    "a definition that does not follow from the one before",
    () => define({ revision: 6, total: 13, limit: 5, holdMs: 9_000, opensAtMs: 8, secretId: "ab" }),
    () => [
      /^entry \S+: the sale was open, and its revision is 6, not 4$/,
      /^entry \S+: the sale was open, and its total is 13, not 12$/,
      /^entry \S+: the sale was open, and its limit is 5, not 4$/,
      /^entry \S+: the sale was open, and its holdMs is 9000, not 60000$/,
      /^entry \S+: the sale was open, and its opensAtMs is 8, not 0$/,
      /^entry \S+: the sale was open, and its secretId is ab, not [0-9a-f]{16}$/,
    ],
  ],
  [
    "a restock that took tickets away, and changed the state",
    () => define({ cause: "restocked", total: 11, state: "paused" }),
    () => [
      /^entry \S+: the sale was restocked, and its total went from 12 to 11$/,
      /^entry \S+: the sale was restocked, and its state is paused, not open$/,
      "operations: they restocked 2, the stream has 1",
    ],
  ],
  [
    "a state that is not the cause, and a sale that was opened after it was closed",
    async () => {
      await define({ cause: "closed", state: "closed" });
      await define({ revision: 5, state: "paused" });
    },
    () => [
      /^entry \S+: the sale was open, and its state is paused, not open$/,
      /^entry \S+: the sale was open after it was closed$/,
    ],
  ],
  [
    "a payment for an order that was never held",
    () => addOrders(["", tokenOf("k9"), changed("paid", 99, 2)]),
    () => [/^entry \S+: order 99 is paid, but no held event came before$/],
  ],
  [
    "an order of the stream that is not there",
    () => addOrders(["", tokenOf("k9"), changed("held", 99, 1)]),
    () => ["stream: it has order 99, which is not there"],
  ],
  [
    "a change of an order that the ledger knows nothing of",
    async () => {
      await addOrders(["", tokenOf("k5"), next(await sale.recordOf("k5"), "paid")]);
    },
    () => [/^order 6: the ledger has "held.*", its last event has "paid.*"$/],
  ],
  [
    "a change that makes another order of it, and changes that were missed or came twice",
    async () => {
      await addOrders(["", tokenOf("k5"), changed("paid", 6, 3)]);
      await addOrders(["", tokenOf("k5"), changed("released", 6, 3, "lapsed")]);
    },
    () => [
      /^entry \S+: it makes another order of the same token: "paid.*", it was "held.*"$/,
      /^entry \S+: revision 3 of an order, revision 1 before$/,
      /^entry \S+: revision 3 of an order, revision 3 before$/,
      /^entry \S+: an order that is paid may not become lapsed$/,
    ],
  ],
  [
    "a cancelled order that was revived",
    async () => {
      const held = await sale.recordOf("k5");
      await addOrders(["", tokenOf("k5"), next(held, "released", 2, "cancelled")]);
      await addOrders(["", tokenOf("k5"), next(held, "paid", 3, "revived")]);
    },
    () => [
      /^entry \S+: an order that is cancelled may not become revived$/,
      /^order 6: the ledger has "held.*", its last event has "paid.*"$/,
    ],
  ],
  [
    "dead letters that were sent back, but had come from no entry, or from another",
    async () => {
      await addOrders(["", tokenOf("k9"), changed("held", 99, 1)], ["letter", "7-0"]);
      const other = (await sale.recordOf("k1")).replace(/1\t(\d+)\theld/, "1\t7\theld");
      await addOrders(["", tokenOf("k1"), other], ["letter", "7-1"]);
      const paid = next(await sale.recordOf("k2"), "paid");
      await addOrders(["", tokenOf("k2"), paid], ["letter", "7-2"]);
      await addOrders(["", tokenOf("k4"), changed("held", 4, 1)], ["letter", "7-3"]);
    },
    () => [
      /^entry \S+: a dead letter of order 99, of which no entry came before$/,
      /^entry \S+: a dead letter has "held\\t1.*\\t7\\theld.*", it was "held\\t1.*"$/,
      /^entry \S+: a dead letter has "paid\\t2.*", it was "held\\t2.*"$/,
      /^entry \S+: it makes another order of the same token: "held\\t4.*", it was "held\\t4.*"$/,
    ],
  ],
  [
    "records whose batch is not there",
    () => redis().hdel(keys().batches, "b2"),
    () => [
      /^batch b2: it is not there, but 4 records name it, one of them of token [\w-]{6}\.\.\.$/,
      "stock: 8 tickets are held, the orders make 3",
      /^deadline \d+: it is for batch b2, which is not there$/,
    ],
  ],
  [
    "a batch whose row cannot be read",
    () => redis().hset(keys().batches, "b2", "first"),
    () => ['batch b2: its row cannot be read: "first"'],
  ],
  [
    "a batch that counts other records than name it",
    () => rewriteRow((row) => [...row.slice(0, 4), "3"]),
    () => ["batch b2: it counts 3 records, 4 name it"],
  ],
  [
    "a batch that no record names",
    async () => {
      const row = (await redis().hget(keys().batches, "b2")) ?? "";
      await redis().hset(keys().batches, "b9", row.replace(/\d+$/, "0"));
    },
    () => [
      "batch b9: it is there, though no record names it",
      /^batch b9: its entry \S+ is of batch b2$/,
      /^batch b9: to be paid by \d+, but it has no deadline$/,
    ],
  ],
  [
    "a batch without its entry",
    async () => redis().xdel(keys().events, (await entryIds())[3] ?? ""),
    () => [
      /^batch b2: the stream has no entry \d+-\d+ with its orders$/,
      "order 3: it has no held event in the stream",
      "order 7: it has no held event in the stream",
      /^entry \S+: it counts 6 records, with its own there are 2$/,
    ],
  ],
  [
    "a batch without its entry in a stream that was trimmed",
    () => redis().xtrim(keys().events, "MAXLEN", 0),
    () => [/^batch b2: the stream has no entry \d+-\d+ with its orders$/],
  ],
  [
    "a batch whose entry is of another batch",
    async () => {
      await sellAnotherBatch();
      const id = (await entryIds()).at(-1) ?? "";
      await rewriteRow(([, ...row]) => [id, ...row]);
    },
    () => [/^batch b2: its entry \S+ is of batch b3$/],
  ],
  [
    "a batch that begins and ends otherwise than its entry",
    () => rewriteRow(([entry = "", , , , living = ""]) => [entry, "4", "5", "6", living]),
    () => [
      /^batch b2: it has first serial 4, held at 5, to be paid by 6; its entry has first serial 3, /,
      /^order 4: the ledger has "held\\t4\\t2.*", its last event has "held\\t3\\t2.*"$/,
      /^batch b2: to be paid by 6, its deadline is \d+$/,
    ],
  ],
  [
    "a record that names a batch whose entry does not name it",
    async () => {
      await sellAnotherBatch();
      await rewrite("k4", (record) => record.replace("\tb2\t", "\tb3\t"));
    },
    () => [
      /^order 9: it names batch b3, whose entry \S+ does not name it$/,
      "batch b2: it counts 4 records, 3 name it",
      "batch b3: it counts 4 records, 5 name it",
      /^serial 9: both tickets\.9\.[\w-]{6}\.\.\. and tickets\.9\.[\w-]{6}\.\.\. have it$/,
    ],
  ],
  [
    "a buyer who is counted wrongly",
    () => redis().hset(keys().buyers, "ann", 1),
    () => [
      "buyer ann: counted with 1, their orders make 3 tickets",
      "buyers: their counts add up to 6, held + paid is 8",
    ],
  ],
  [
    "a buyer without orders",
    () => redis().hset(keys().buyers, "eve", 2),
    () => ["buyer eve: counted with 2, their orders make 0 tickets"],
  ],
  [
    "a buyer who has more than the limit",
    async () => {
      await redis().hset(keys().stock, "limit", 2);
      await sale.hold([["k7", "ann"]]);
    },
    () => ["buyer ann: has 3 tickets, the limit is 2", "buyer bob: has 3 tickets, the limit is 2"],
  ],
  [
    "nameless buyers in a sale with a limit",
    async () => {
      await redis().hset(keys().buyers, "", 1);
      await rewrite("k6", (record) => record.replace("\tdan\t", "\t\t"));
    },
    () => ["the nameless buyers: they have 1 tickets, though the sale has a limit"],
  ],
  [
    "buyers who are counted though there is no limit",
    () => redis().hset(keys().stock, "limit", 0),
    () => ["buyers: 4 are counted, though the sale has no limit"],
  ],
  [
    "holds that never lapse",
    () => redis().zrem(keys().deadlines, "bb2", `o${tokenOf("k1")}`),
    () => [
      /^batch b2: to be paid by \d+, but it has no deadline$/,
      /^order 1: to be paid by \d+, but it has no deadline$/,
    ],
  ],
  [
    "holds that lapse at another time",
    () => redis().zadd(keys().deadlines, 5, "bb2", 6, `o${tokenOf("k1")}`),
    () => [
      /^batch b2: to be paid by \d+, its deadline is 5$/,
      /^order 1: to be paid by \d+, its deadline is 6$/,
    ],
  ],
  [
    "a hold with two deadlines",
    () => redis().zadd(keys().deadlines, 5, `o${tokenOf("k4")}`),
    () => ["order 4: it has a deadline, 5, beside that of its batch"],
  ],
  [
    "a deadline of what is paid",
    async () => {
      await confirm(sale, 1, tokenOf("k1"));
      await redis().zadd(keys().deadlines, 5, `o${tokenOf("k1")}`);
    },
    () => ["order 1: it is paid, but has a deadline, 5"],
  ],
  [
    "deadlines for nothing",
    () => redis().zadd(keys().deadlines, 5, "bb9", 6, "all", 7, `o${tokenOf("k9")}`),
    () => [
      "deadline 5: it is for batch b9, which is not there",
      "deadline 6: it is for all, which is neither a batch nor an order",
      /^deadline 7: it is for token [\w-]{6}\.\.\., which has no order$/,
    ],
  ],
];

describe("the audit names", () => {
  test.each(plants)("%s", async (_, plant, said) => {
    expect(await sentences()).toEqual([]);
    await plant();
    const found = await sentences();
    // Whoever has a token owns its order: a report may be sent to anybody.
    const tokens = ["k1", "k2", "k4", "k9"].map(tokenOf);
    expect(tokens.filter((token) => found.join().includes(token))).toEqual([]);
    for (const expected of said()) {
      const matches = found.filter((sentence) =>
        typeof expected === "string" ? sentence === expected : expected.test(sentence),
      );
      expect({ expected, matches, found }).toMatchObject({ matches: [expect.any(String)] });
    }
  });
});
