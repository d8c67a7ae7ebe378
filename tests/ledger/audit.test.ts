import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { type BooksReading, readBooks } from "../../src/audit/books.ts";
import { compareBooks } from "../../src/audit/compare-books.ts";
import { changedKey } from "../../src/ledger/keys.ts";
import { scripts } from "../../src/ledger/scripts.ts";
import { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { SaleScripts, tokenOf } from "./support/sale-scripts.ts";

let server: RedisServer;
let sale: SaleScripts;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.remove());

/**
 * Ten tickets and two restocked; five orders of seven tickets by
 * three buyers, sold in two batches.
 */
beforeEach(async () => {
  sale = new SaleScripts(server.client);
  await sale.create({ total: 10, limit: 4 });
  await sale.setState("open");
  await sale.hold([
    ["k1", "ann"],
    ["k2", "bob", 2],
  ]);
  await sale.hold([
    ["k3", "ann", 2],
    ["k4", "cyd"],
    ["k1", "ann"],
    ["k5", "bob"],
  ]);
  await sale.restock("restock-1", 2);
});
afterEach(() => server.client.flushall());

/** The sentences of the audit; "not read" where the books could not be read. */
async function sentences(id = "tickets"): Promise<string[]> {
  const reading: BooksReading = await readBooks(server.url, id);
  return reading.kind === "read"
    ? compareBooks(reading.books).differences.map((difference) => difference.text)
    : [`not read: ${reading.kind}`];
}

/** Changes the record of an order as no script would. */
async function rewrite(serial: number, change: (record: string) => string): Promise<void> {
  const record = (await server.client.hget(sale.keys.orders, String(serial))) ?? "";
  await server.client.hset(sale.keys.orders, serial, change(record));
}

describe("the audit", () => {
  test("finds nothing where the books balance", async () => {
    const reading = await readBooks(server.url, "tickets");
    if (reading.kind !== "read") {
      throw new Error(`not read: ${reading.kind}`);
    }
    const result = compareBooks(reading.books);
    expect(result.differences).toEqual([]);
    expect(result).toMatchObject({ orders: 5, events: 8, duplicates: 0, lost: 0 });
    expect(result.stock).toMatchObject({ total: 12, held: 7, paid: 0, left: 5, serial: 5 });
  });

  test("finds nothing after payments, cancellations, a revival and a lapse", async () => {
    const short = new SaleScripts(server.client, "short");
    await short.create({ total: 6, holdMs: 1_000 });
    await short.setState("open");
    await short.hold([["a"], ["b", "ann", 2], ["c"], ["d", "bob"], ["e"]]);
    const { stock, orders, buyers, deadlines, events } = short.keys;
    const confirm = (...named: unknown[]) =>
      short.run(scripts.confirm, [stock, orders, buyers, events], [0, JSON.stringify(named)]);
    const release = (...args: unknown[]) =>
      short.run(scripts.release, [stock, orders, buyers, deadlines, events, changedKey], args);
    await confirm(1, tokenOf("a"));
    await release("cancelled", 0, JSON.stringify([3, tokenOf("c")]));
    expect(await sentences("short")).toEqual([]);
    await until("the held orders have lapsed", async () => {
      await release("lapsed", 0, 100);
      return (await server.client.hget(stock, "held")) === "0";
    });
    await confirm(2, tokenOf("b"));
    expect(await sentences("short")).toEqual([]);
    const records = await server.client.hmget(orders, "1", "2", "3", "4", "5");
    expect(records.map((record) => record?.split("\t").at(-1))).toEqual([
      "paid",
      "revived",
      "cancelled",
      "lapsed",
      "lapsed",
    ]);
  });

  test("finds nothing in a sale whose stream was trimmed, and says how much it cannot see", async () => {
    const events = await redis().xrange(keys().events, "-", "+");
    await redis().xtrim(keys().events, "MINID", events[4]?.[0] ?? "");
    const reading = await readBooks(server.url, "tickets");
    if (reading.kind !== "read") {
      throw new Error(`not read: ${reading.kind}`);
    }
    const { differences, trimmed } = compareBooks(reading.books);
    expect({ differences, trimmed }).toEqual({ differences: [], trimmed: 2 });
    await redis().xtrim(keys().events, "MAXLEN", 0);
    expect(await sentences()).toEqual([]);
  });

  test("finds nothing in a sale of several pages", async () => {
    const big = new SaleScripts(server.client, "big");
    await big.create({ total: 4_000 });
    await big.setState("open");
    for (let batch = 0; batch < 5; batch += 1) {
      await big.hold(Array.from({ length: 700 }, (_, i) => [`b${batch}-${i}`] as const));
    }
    const reading = await readBooks(server.url, "big");
    if (reading.kind !== "read") {
      throw new Error(`not read: ${reading.kind}`);
    }
    expect(compareBooks(reading.books)).toMatchObject({ orders: 3_500, differenceCount: 0 });
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
  return [state, serial, 1, 2, 3, "0123456789abcdef", "", "key", revision, 4, cause].join("\t");
}

/** Each fault, planted by hand behind the scripts' back, and what has to be said of it. */
type Plant = readonly [
  what: string,
  plant: () => Promise<unknown>,
  said: () => readonly (string | RegExp)[],
];
const redis = () => server.client;
const keys = () => sale.keys;

const plants: readonly Plant[] = [
  [
    "tickets made out of nothing",
    () => redis().hset(keys().stock, "total", 13),
    () => ["stock: total is 13, the stream's events make 12 (10 created + 2 restocked)"],
  ],
  [
    "more held than there is",
    () => redis().hset(keys().stock, "held", 13),
    () => [
      "stock: 13 tickets are held or paid, of 12: oversold",
      "stock: 13 tickets are held, the orders make 7",
      "buyers: their counts add up to 7, held + paid is 13",
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
    () => ['stock: "ajar" is no state of a sale'],
  ],
  [
    "a state that nobody set",
    () => redis().hset(keys().stock, "state", "closed"),
    () => ["stock: state is closed, its last event is open"],
  ],
  [
    "an epoch that nothing explains",
    () => redis().hset(keys().stock, "epoch", 3),
    () => [/^stock: epoch is 3, created at \d+, at most 1 comebacks$/],
  ],
  [
    "a restock without an event",
    () => redis().hset(keys().operations, "restock-2", 5),
    () => ["operations: they restocked 7, the stream has 2"],
  ],
  [
    "an order that vanished",
    () => redis().hdel(keys().orders, "2"),
    () => [
      "stock: 7 tickets are held, the orders make 5",
      "serial 2: no order has it",
      "stream: it has order 2, which is not there",
      "request key k2: it leads to order 2, which is not there",
      "buyer bob: counted with 3, their orders make 1 tickets",
      /^deadline \d+: it is for order 2, which is not there$/,
    ],
  ],
  [
    "the newest order vanished",
    () => redis().hset(keys().stock, "serial", 8),
    () => ["serials 6 to 8: no order has them"],
  ],
  [
    "a serial that went back",
    () => redis().hset(keys().stock, "serial", 4),
    () => ["stock: serial is 4, but there is an order 5"],
  ],
  [
    "an order sold twice",
    async () => {
      const record = (await redis().hget(keys().orders, "2")) ?? "";
      await redis().hset(keys().orders, "6", record.replace("\t2\t", "\t6\t"));
      await redis().hset(keys().stock, "serial", 6);
    },
    () => [
      "stock: 7 tickets are held, the orders make 9",
      "order 6: it has no held event in the stream",
      "request key k2: both order 2 and order 6 were sold for it",
      "buyer bob: counted with 3, their orders make 5 tickets",
      "buyer bob: has 5 tickets, the limit is 4",
      /^order 6: to be paid by \d+, but it has no deadline$/,
    ],
  ],
  [
    "an order that no script wrote",
    () => redis().hset(keys().orders, "1", "held\tone"),
    () => [/^order 1: sale tickets: an order's record cannot be read: "held\\tone"$/],
  ],
  [
    "a serial that two orders have",
    () => rewrite(1, (record) => record.replace("\t1\t", "\t3\t")),
    () => [
      "order 1: its record is of order 3",
      /^serial 3: two orders have it, one of them tickets\.3\.[0-9a-f]{16}$/,
      "serial 1: no order has it",
    ],
  ],
  [
    "an order whose event was lost",
    async () => {
      const events = await redis().xrange(keys().events, "-", "+");
      const lost = events.find(([, fields]) => fields[1]?.startsWith("held\t3\t"));
      await redis().xdel(keys().events, lost?.[0] ?? "");
    },
    () => ["order 3: it has no held event in the stream"],
  ],
  [
    "an event that came twice",
    async () => {
      const record = (await redis().hget(keys().orders, "3")) ?? "";
      await redis().xadd(keys().events, "*", "held", record);
    },
    () => [/^order 3: 2 held events \(\S+, \S+\), there must be one$/],
  ],
  [
    "an event that tells another story than the ledger",
    () => rewrite(4, (record) => record.replace("\tcyd\t", "\teve\t")),
    () => [
      /^order 4: the ledger has "held.*eve.*", its last event has ".*cyd.*"$/,
      "buyer eve: counted with nothing, their orders make 1 tickets",
      "buyer cyd: counted with 1, their orders make 0 tickets",
    ],
  ],
  [
    "an order that was paid without an event",
    () => rewrite(4, (record) => `${record.replace("held", "paid")}\t2\t9\tpaid`),
    () => [
      /^order 4: the ledger has "paid.*", its last event has "held.*"$/,
      "stock: 7 tickets are held, the orders make 6",
      "stock: 0 tickets are paid, the orders make 1",
    ],
  ],
  [
    "an order for nothing",
    () => rewrite(4, (record) => record.replace("\t4\t1\t", "\t4\t0\t")),
    () => ["order 4: it is for 0 tickets", "stock: 7 tickets are held, the orders make 6"],
  ],
  [
    "an event whose record is none",
    () => redis().xadd(keys().events, "*", "held", "sold"),
    () => [/^entry \S+: it is no record of a held order: "sold"$/],
  ],
  [
    "an event without a name",
    () => redis().xadd(keys().events, "*", "what", "else"),
    () => [/^entry \S+: unknown event \{"what":"else"\}$/],
  ],
  [
    "a restock whose quantity is no number",
    () => redis().xadd(keys().events, "*", "event", "restocked", "quantity", "many"),
    () => [/^entry \S+: its quantity is "many", not a whole number$/],
  ],
  [
    "an event that nobody knows",
    () => redis().xadd(keys().events, "*", "event", "burnt"),
    () => [/^entry \S+: unknown event "burnt"$/],
  ],
  [
    "a second creation",
    () => redis().xadd(keys().events, "*", "event", "created", "total", "0"),
    () => ["stream: 2 created events, there must be exactly one"],
  ],
  [
    "a payment for an order that was never held",
    () => redis().xadd(keys().events, "*", "paid", changed("paid", 99, 2)),
    () => [/^entry \S+: order 99 is paid, but no held event came before$/],
  ],
  [
    "a change of an order that the ledger knows nothing of",
    async () => {
      const record = (await redis().hget(keys().orders, "5")) ?? "";
      const paid = `${record.replace("held", "paid")}\t2\t9\tpaid`;
      await redis().xadd(keys().events, "*", "paid", paid);
    },
    () => [/^order 5: the ledger has "held.*", its last event has "paid.*"$/],
  ],
  [
    "a change that makes another order of it, and changes that were missed or came twice",
    async () => {
      await redis().xadd(keys().events, "*", "paid", changed("paid", 5, 3));
      await redis().xadd(keys().events, "*", "released", changed("released", 5, 3, "lapsed"));
    },
    () => [
      /^entry \S+: it makes another order of the same serial: "paid.*", it was "held.*"$/,
      /^entry \S+: revision 3 of an order, revision 1 before$/,
      /^entry \S+: revision 3 of an order, revision 3 before$/,
      /^entry \S+: an order that is paid may not become lapsed$/,
    ],
  ],
  [
    "a cancelled order that was revived",
    async () => {
      const held = (await redis().hget(keys().orders, "5")) ?? "";
      const released = `${held.replace("held", "released")}\t2\t9\tcancelled`;
      await redis().xadd(keys().events, "*", "released", released);
      const paid = `${held.replace("held", "paid")}\t3\t9\trevived`;
      await redis().xadd(keys().events, "*", "paid", paid);
    },
    () => [
      /^entry \S+: an order that is cancelled may not become revived$/,
      /^order 5: the ledger has "held.*", its last event has "paid.*"$/,
    ],
  ],
  [
    "a request key that leads elsewhere",
    () => redis().hset(keys().requests, "k1", "2"),
    () => ["request key k1: order 1 was sold for it, it leads to 2"],
  ],
  [
    "a request key that was forgotten",
    () => redis().hdel(keys().requests, "k5"),
    () => ["request key k5: order 5 was sold for it, it leads to nothing"],
  ],
  [
    "request keys that nothing was sold for",
    () => redis().hset(keys().requests, "k9", "2", "k10", "77"),
    () => [
      "request key k9: it leads to order 2, which was sold for another key",
      "request key k10: it leads to order 77, which is not there",
    ],
  ],
  [
    "a buyer who is counted wrongly",
    () => redis().hset(keys().buyers, "ann", 1),
    () => [
      "buyer ann: counted with 1, their orders make 3 tickets",
      "buyers: their counts add up to 5, held + paid is 7",
    ],
  ],
  [
    "a buyer without orders",
    () => redis().hset(keys().buyers, "eve", 2),
    () => ["buyer eve: counted with 2, their orders make 0 tickets"],
  ],
  [
    "nameless buyers who are counted without orders",
    () => redis().hset(keys().buyers, "", 1),
    () => ["the nameless buyers: counted with 1, their orders make 0 tickets"],
  ],
  [
    "holds that never lapse",
    () => redis().zrem(keys().deadlines, "3-5"),
    () => [
      /^order 3: to be paid by \d+, but it has no deadline$/,
      /^order 5: to be paid by \d+, but it has no deadline$/,
    ],
  ],
  [
    "holds that lapse at another time",
    () => redis().zadd(keys().deadlines, 5, "1-2"),
    () => [/^order 1: to be paid by \d+, its deadline is 5$/],
  ],
  [
    "a hold with two deadlines",
    () => redis().zadd(keys().deadlines, 5, "2-2"),
    () => [/^order 2: it has a second deadline, \d+$/],
  ],
  [
    "deadlines for nothing",
    () => redis().zadd(keys().deadlines, 5, "6-7", 6, "all", 7, "1-900000000"),
    () => [
      "deadline 5: it is for order 6, which is not there",
      "deadline 6: it is for all, which is no batch",
      "deadline 7: it is for 1-900000000, which is no batch",
    ],
  ],
];

describe("the audit names", () => {
  test.each(plants)("%s", async (_, plant, said) => {
    expect(await sentences()).toEqual([]);
    await plant();
    const found = await sentences();
    for (const expected of said()) {
      const matches = found.filter((sentence) =>
        typeof expected === "string" ? sentence === expected : expected.test(sentence),
      );
      expect({ expected, matches, found }).toMatchObject({ matches: [expect.any(String)] });
    }
  });
});
