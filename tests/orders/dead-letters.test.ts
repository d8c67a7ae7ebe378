import { afterEach, beforeEach, expect, test } from "bun:test";

import { type DeadLetter, eachDeadLetters } from "../../src/ledger/outbox/dead-letters.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { until } from "../support/until.ts";
import { type CommandEnd, sluice } from "./support/command.ts";
import { type Databases, describeEachDatabase, open, storedRows } from "./support/databases.ts";
import { countDeadLetters, expectStored, untilDry } from "./support/expectations.ts";
import { OrderScripts } from "./support/order-scripts.ts";
import { killWorkers, WorkerProcess } from "./support/worker-process.ts";

const ledger = oneServer();
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
  let sale: OrderScripts;
  let url = "";
  beforeEach(async () => {
    sale = new OrderScripts(ledger.server.client);
    url = await databases.create();
    await sale.open(1_000);
  });
  const start = (name = "worker1"): WorkerProcess =>
    WorkerProcess.start({ name, redis: ledger.server.url, database: url });

  /** An order that the database refuses: it has the serial 5 of another one. */
  async function plantTwin(): Promise<void> {
    const worker = start();
    await worker.untilReady();
    const database = open(url);
    await database.run(
      `INSERT INTO orders (order_id, sale, serial, request_key, buyer, quantity, state, revision,
         cause, held_at_ms, pay_by_ms, changed_at_ms)
       VALUES ('planted', 'tickets', 5, 'planted', '', 1, 'held', 1, 'held', 1, 1, 1)`,
    );
    await database.close();
  }

  test("an entry that the database refuses becomes a dead letter after so many tries, and all others are stored", async () => {
    await plantTwin();
    await sale.sell(50);
    await until("it is given up", async () => (await countDeadLetters(sale)) === 1, 20_000);
    await untilDry(sale);
    const serials = (await storedRows(url)).filter(({ key }) => key !== "planted");
    expect(serials.map(({ serial }) => serial)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1).filter((serial) => serial !== 5),
    );
    const [letter] = await deadLetters();
    expect(letter?.tries).toBe(3);
    expect(letter?.fields).toEqual(["held", await sale.recordOf("k-5")]);
    expect(letter?.reason).toMatch(/unique/i);
  });

  test("once its cause is mended, a dead letter is sent back and stored; sending it back again says that it is gone", async () => {
    await plantTwin();
    await sale.sell(10);
    await until("it is given up", async () => (await countDeadLetters(sale)) === 1, 20_000);
    const listed = await sluice("dead-letters", "tickets", "--redis", ledger.server.url);
    expect(listed.out).toContain("1 dead letters");
    expect(listed.out).toContain("after 3 tries");
    const database = open(url);
    await database.run("DELETE FROM orders WHERE order_id = 'planted'");
    await database.close();
    const [letter] = await deadLetters();
    const entries = await sale.client.xlen(sale.keys.events);
    expect(await replay(letter?.id ?? "")).toMatchObject({ code: 0 });
    expect(await replay(letter?.id ?? "")).toMatchObject({ code: 1 });
    await untilDry(sale);
    await expectStored(sale, url);
    expect(await countDeadLetters(sale)).toBe(0);
    // The outbox still tells each event once.
    expect(await sale.client.xlen(sale.keys.events)).toBe(entries);
  });

  test("sent back before its cause is mended, it comes back as a dead letter, and again", async () => {
    await plantTwin();
    await sale.sell(10);
    for (let round = 1; round <= 2; round += 1) {
      await until("it is given up", async () => (await countDeadLetters(sale)) === 1, 20_000);
      const { code, out } = await replay("all");
      expect([code, out]).toEqual([
        0,
        "1 dead letters were sent back to the order workers of sale tickets\n",
      ]);
    }
    await until("it is given up", async () => (await countDeadLetters(sale)) === 1, 20_000);
    await untilDry(sale);
  });

  test("entries that cannot be read become dead letters with the reason, among many that can", async () => {
    const bad = [
      ["held", "no record"],
      ["held", "paid\t1\t1\t1\t1\t0123456789abcdef\t\tk\t2\t1\tpaid"],
      ["nonsense", "1"],
      ["held", ""],
      ["paid", "\u0000\n\"'\\"],
    ] as const;
    await sale.sell(20, "before");
    for (const [field, value] of bad) {
      await sale.client.xadd(sale.keys.events, "*", field, value);
    }
    await sale.sell(20, "after");
    const worker = start();
    await until(
      "they are given up",
      async () => (await countDeadLetters(sale)) === bad.length,
      20_000,
    );
    await untilDry(sale);
    await expectStored(sale, url);
    const letters = await deadLetters();
    expect(letters.map(({ fields }) => fields)).toEqual(bad.map((fields) => [...fields]));
    expect(letters.every(({ reason, tries }) => reason !== "" && tries === 3)).toBe(true);
    expect(await worker.metric("sluice_poisonous_entries_total", 'outcome="dead"')).toBe(
      bad.length,
    );
  });

  test("two workers give up the same entry once", async () => {
    await sale.client.xadd(sale.keys.events, "*", "held", "no record");
    await Promise.all([start("w1").untilReady(), start("w2").untilReady()]);
    await until("it is given up", async () => (await countDeadLetters(sale)) > 0, 20_000);
    await untilDry(sale);
    expect(await countDeadLetters(sale)).toBe(1);
  });
});

test("the command says what is wrong with what it was given, and that there is nothing", async () => {
  const { url } = ledger.server;
  expect(await sluice("dead-letters", "tickets", "--redis", url)).toMatchObject({
    code: 0,
    out: "sale tickets has no dead letters\n",
  });
  const bad = await sluice("dead-letters", "tickets", "--replay", "everything", "--redis", url);
  expect(bad.code).toBe(1);
  expect(bad.said).toContain("--replay takes the id of a dead letter or 'all'");
  expect((await sluice("dead-letters", "--redis", url)).said).toContain("which sale?");
});
