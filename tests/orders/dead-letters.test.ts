import { afterEach, beforeEach, expect, test } from "bun:test";

import { type DeadLetter, eachDeadLetters } from "../../src/ledger/outbox/dead-letters.ts";
import { encodeFullRecord, encodeShortRecord } from "../../src/sale/order.ts";
import { until } from "../support/until.ts";
import { type CommandEnd, sluice } from "./support/command.ts";
import { type Databases, describeEachDatabase, open, storedRows } from "./support/databases.ts";
import { countDeadLetters, expectStored, untilDry } from "./support/expectations.ts";
import { HandWrittenSale } from "./support/hand-written-sale.ts";
import { oneRedis } from "./support/one-redis.ts";
import { tokenOf } from "./support/sample-orders.ts";
import { killWorkers, WorkerProcess } from "./support/worker-process.ts";

const ledger = oneRedis();
afterEach(killWorkers);

function replay(which: string): Promise<CommandEnd> {
  return sluice("dead-letters", "tickets", "--replay", which, "--redis", ledger.server.url);
}

async function deadLetters(): Promise<DeadLetter[]> {
  const all: DeadLetter[] = [];
  await eachDeadLetters(ledger.server.url, "tickets", (page) => {
    all.push(...page);
  });
  return all;
}

describeEachDatabase((databases: Databases) => {
  let sale: HandWrittenSale;
  let url = "";
  beforeEach(async () => {
    sale = new HandWrittenSale(ledger.server.client);
    url = await databases.create();
    await sale.open(1_000);
  });
  const start = (name = "worker1"): WorkerProcess =>
    WorkerProcess.start({ name, redis: ledger.server.url, database: url });

  const query = async (text: string): Promise<readonly Record<string, unknown>[]> => {
    const database = open(url);
    const rows = await database.run(text);
    await database.close();
    return rows;
  };

  /** Other orders have the serials of some that will be sold: the database refuses these. */
  async function plantTwins(...serials: readonly number[]): Promise<WorkerProcess> {
    const worker = start();
    await worker.untilReady();
    for (const serial of serials) {
      await query(
        `INSERT INTO orders (sale, serial, token, buyer, quantity, state, revision, cause,
           held_at_ms, pay_by_ms, changed_at_ms, request_hash)
         VALUES ('tickets', ${serial}, 'planted', '', 1, 'held', 1, 'held', 1, 1, 1, 'h')`,
      );
    }
    return worker;
  }
  const digUp = () => query("DELETE FROM orders WHERE token = 'planted'");

  const untilGivenUp = (letters: number) =>
    until("they are given up", async () => (await countDeadLetters(sale)) === letters, 20_000);

  test("orders that the database refuses become dead letters after so many tries, and all others of their entries are stored", async () => {
    const worker = await plantTwins(5, 17, 18);
    await sale.sell(50, "k", 25);
    await untilGivenUp(3);
    await untilDry(sale);
    const serials = (await storedRows(url)).filter(({ token }) => token !== "planted");
    expect(serials.map(({ serial }) => serial)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1).filter((serial) => ![5, 17, 18].includes(serial)),
    );
    const letters = await deadLetters();
    const [entry] = await sale.client.xrange(sale.keys.events, `(${letters[0]?.entry}`, "+");
    expect(entry).toBeDefined();
    expect(letters.map(({ place, token, tries }) => [place, token, tries])).toEqual(
      [5, 17, 18].map((serial) => [serial - 1, sale.recordOf(`k-${serial}`).token, 3]),
    );
    expect(letters.map(({ record }) => record)).toEqual(
      [5, 17, 18].map((serial) => encodeFullRecord(sale.recordOf(`k-${serial}`))),
    );
    for (const { reason } of letters) {
      expect(reason).toContain("another order of the sale has this serial");
    }
    // An entry is noted down with all of its records, once.
    const rows = await query("SELECT records FROM entries WHERE records > 0");
    expect(rows.map(({ records }) => Number(records))).toEqual([25, 25]);
    expect(await worker.metric("sluice_poisonous_entries_total", 'outcome="dead"')).toBe(3);
    expect(await worker.metric("sluice_poisonous_entries_total", 'outcome="pending"')).toBe(6);
  });

  test("once its cause is mended, a dead letter is sent back and stored; sending it back again says that it is gone", async () => {
    await plantTwins(5);
    await sale.sell(10);
    await untilGivenUp(1);
    const listed = await sluice("dead-letters", "tickets", "--redis", ledger.server.url);
    expect(listed.out).toContain("1 dead letters");
    expect(listed.out).toContain("after 3 tries");
    expect(listed.out).toContain("place 4");
    expect(listed.out).not.toContain(sale.recordOf("k-5").token);
    await digUp();
    const [letter] = await deadLetters();
    const entries = await sale.client.xlen(sale.keys.events);
    expect(await replay(letter?.id ?? "")).toMatchObject({ code: 0 });
    expect(await replay(letter?.id ?? "")).toMatchObject({ code: 1 });
    await untilDry(sale);
    await expectStored(sale, url);
    expect(await countDeadLetters(sale)).toBe(0);
    // One entry more, which names the letter and counts its record.
    expect(await sale.client.xlen(sale.keys.events)).toBe(entries + 1);
    const [last] = await sale.client.xrevrange(sale.keys.events, "+", "-", "COUNT", 1);
    const { token } = sale.recordOf("k-5");
    const text = `\n${token}\n${encodeFullRecord(sale.recordOf("k-5"))}`;
    expect(last?.[1]).toEqual(["n", "11", "orders", text, "letter", letter?.id ?? ""]);
    expect(await sale.client.hget(sale.keys.stock, "records")).toBe("11");
  });

  test("a dead letter that is sent back late leaves what became of its order meanwhile", async () => {
    await plantTwins(5);
    await sale.sell(10);
    await untilGivenUp(1);
    await digUp();
    await sale.confirm(["k-5"]);
    await untilDry(sale);
    await replay("all");
    await untilDry(sale);
    await expectStored(sale, url);
    expect((await storedRows(url))[4]?.state).toBe("paid");
  });

  test("sent back before its cause is mended, it comes back as a dead letter, and again", async () => {
    await plantTwins(5);
    await sale.sell(10);
    for (let round = 1; round <= 2; round += 1) {
      await untilGivenUp(1);
      const { code, out } = await replay("all");
      expect([code, out]).toEqual([
        0,
        "1 dead letters were sent back to the order workers of sale tickets\n",
      ]);
    }
    await untilGivenUp(1);
    await untilDry(sale);
  });

  test("records that cannot be read become dead letters by their place, and the others of their entry are stored", async () => {
    await sale.sell(3, "before");
    const good = { ...sale.recordOf("before-1"), serial: 4, token: tokenOf(4) };
    const bad = ["paid\t5", "", "nonsense", encodeShortRecord(3, 1, "ann", "ref", "0123456789a")];
    const lines = bad.flatMap((text, index) => [tokenOf(index), text]);
    await sale.addLines("", [...lines, good.token, encodeFullRecord(good)]);
    start();
    await untilGivenUp(bad.length);
    await untilDry(sale);
    const letters = await deadLetters();
    expect(letters.map(({ place, token, record }) => [place, token, record])).toEqual(
      bad.map((text, index) => [index, tokenOf(index), text]),
    );
    expect((await storedRows(url)).map(({ serial }) => serial)).toEqual([1, 2, 3, 4]);
  });

  test("entries that cannot be read become dead letters as a whole, among many that can, and may be sent back", async () => {
    const bad = [
      ["held", "no record"],
      ["nonsense", "1"],
      ["n", "1", "orders", "no batch\nof lines"],
      ["n", "1", "sale", "1\t2"],
      ["n", "1", "orders", "\u0000\n\"'\\"],
      ["n", "1", "what a later version writes", "x", "more", "y"],
    ] as const;
    await sale.sell(20, "before");
    for (const fields of bad) {
      await sale.add(...fields);
    }
    await sale.sell(20, "after");
    const worker = start();
    await untilGivenUp(bad.length);
    await untilDry(sale);
    await expectStored(sale, url);
    const letters = await deadLetters();
    expect(letters.map(({ text }) => JSON.parse(text) as unknown)).toEqual(
      bad.map((fields) => [...fields]),
    );
    for (const { place, token, record, reason, tries } of letters) {
      expect([place, token, record, tries]).toEqual([-1, "", "", 3]);
      expect(reason).not.toBe("");
    }
    expect(await worker.metric("sluice_poisonous_entries_total", 'outcome="dead"')).toBe(
      bad.length,
    );
    await worker.kill();
    // Twice: an entry that was sent back does not grow.
    for (let round = 1; round <= 2; round += 1) {
      const before = await deadLetters();
      await replay("all");
      const added = await sale.client.xrevrange(sale.keys.events, "+", "-", "COUNT", bad.length);
      expect(added.toReversed().map(([, fields]) => fields)).toEqual(
        bad.map((fields, index) => {
          const again = fields[0] === "n" ? ["n", "40", ...fields.slice(2)] : [...fields];
          return [...again, "letter", before[index]?.id ?? ""];
        }),
      );
      const again = start();
      await untilGivenUp(bad.length);
      await untilDry(sale);
      await again.kill();
    }
  });

  test("two workers give up the same entry once", async () => {
    await sale.add("held", "no record");
    await Promise.all([start("w1").untilReady(), start("w2").untilReady()]);
    await until("it is given up", async () => (await countDeadLetters(sale)) > 0, 20_000);
    await untilDry(sale);
    expect(await countDeadLetters(sale)).toBe(1);
  });

  test("a sale that was made anew, of another secret, does not touch the first one's rows", async () => {
    await sale.sell(3);
    start();
    await untilDry(sale);
    const before = await storedRows(url);
    await sale.client.flushall();
    const again = new HandWrittenSale(ledger.server.client);
    await again.open(10);
    await again.sell(5);
    // Its two events, and the three orders that have the serials of others.
    await untilGivenUp(5);
    await untilDry(again);
    expect((await storedRows(url)).slice(0, 3)).toEqual(before);
    const secrets = await query("SELECT secret FROM sale_secrets");
    expect(secrets.map(({ secret }) => secret)).toEqual([sale.secret]);
  });
});

test("the command says what is wrong with what it was given, and that there is nothing", async () => {
  const { url } = ledger.server;
  for (const more of [[], ["--replay", "all"]]) {
    const nowhere = await sluice("dead-letters", "tickets", ...more, "--redis", url);
    expect([nowhere.code, nowhere.said]).toEqual([
      1,
      expect.stringContaining("there is no sale tickets"),
    ]);
  }
  await new HandWrittenSale(ledger.server.client, "empty").open(10);
  expect(await sluice("dead-letters", "empty", "--redis", url)).toMatchObject({
    code: 0,
    out: "sale empty has no dead letters\n",
  });
  const bad = await sluice("dead-letters", "tickets", "--replay", "everything", "--redis", url);
  expect(bad.code).toBe(1);
  expect(bad.said).toContain("--replay takes the id of a dead letter or 'all'");
  expect((await sluice("dead-letters", "--redis", url)).said).toContain("which sale?");
  const none = await sluice("dead-letters", "tickets", "--replay", "1-1", "--redis", url);
  expect([none.code, none.said]).toEqual([1, expect.stringContaining("there is no sale tickets")]);
});
