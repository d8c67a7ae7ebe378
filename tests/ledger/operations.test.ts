import { afterEach, expect, test } from "bun:test";

import { wrongFormat } from "../../src/ledger/format.ts";
import { formatKey, saleKeys, salesKey } from "../../src/ledger/keys.ts";
import { SaleOperations } from "../../src/ledger/operations.ts";
import { scripts } from "../../src/ledger/scripts.ts";
import { OperationError } from "../../src/ledger/session.ts";
import { secretId, secretPattern } from "../../src/sale/tokens.ts";
import { RedisServer } from "../support/redis-server.ts";
import { calls, contents } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { ReplyCutter } from "./support/reply-cutter.ts";
import { readWholeSale } from "./support/whole-sale.ts";

const one = oneServer();
const opened: { close: () => void }[] = [];

afterEach(() => {
  for (const part of opened.splice(0)) {
    part.close();
  }
});

function operations(url = one.server.url): SaleOperations {
  const made = new SaleOperations(url);
  opened.push(made);
  return made;
}

function cutter(...words: readonly string[]): ReplyCutter {
  const made = new ReplyCutter(one.server.port, words);
  opened.push(made);
  return made;
}

const usual = { sale: "tickets", total: 10, limit: 2, holdMs: 60_000, opensAtMs: 0 };

/** The sentence with which an operation was refused. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const outcome = await work.catch((error: unknown) => error);
  if (!(outcome instanceof OperationError)) {
    throw new TypeError(`no OperationError, but ${Bun.inspect(outcome)}`);
  }
  return outcome.message;
}

test("a sale is created, opened, restocked, paused and closed, and read in between", async () => {
  const its = operations();
  const made = await its.create(usual);
  expect(made).toMatchObject({ ...usual, state: "scheduled", left: 10 });
  expect(await its.setState("tickets", "open")).toMatchObject({ state: "open" });
  expect(await its.restock("tickets", 5)).toMatchObject({ total: 15, left: 15 });
  expect(await its.restock("tickets", 5)).toMatchObject({ total: 20 });
  await one.scripts.hold([["k1", "ann", 2]], { secretId: made.secretId });
  expect(await its.read("tickets")).toMatchObject({ total: 20, held: 2, left: 18, serial: 1 });
  expect(await its.setState("tickets", "paused")).toMatchObject({ state: "paused" });
  expect(await its.setState("tickets", "closed")).toMatchObject({ state: "closed" });
  await readWholeSale(one.scripts);
});

test("each sale gets a secret of its own, which it keeps, and which nobody is shown", async () => {
  const its = operations();
  const made = await its.create(usual);
  await its.create({ ...usual, sale: "another" });
  const { client } = one.server;
  const secret = (await client.get(saleKeys("tickets").secret)) ?? "";
  expect(secret).toMatch(secretPattern);
  expect(await client.get(saleKeys("another").secret)).not.toBe(secret);
  expect(made.secretId).toBe(secretId(secret));
  expect(JSON.stringify(await its.list())).not.toContain(secret);
  await refusal(its.create(usual));
  await its.setState("tickets", "open");
  await its.restock("tickets", 1);
  expect(await client.get(saleKeys("tickets").secret)).toBe(secret);
});

test("a ledger of another form is refused with a sentence, and nothing is written", async () => {
  const { client } = one.server;
  for (const [key, prepare] of [
    [salesKey, () => client.sadd(salesKey, "old")],
    [formatKey, () => client.set(formatKey, "2")],
  ] as const) {
    await client.flushall();
    await prepare();
    const before = await contents(client);
    expect(Object.keys(before)).toEqual([key]);
    for (const work of [
      () => operations().create(usual),
      () => operations().list(),
      () => operations().setState("tickets", "open"),
    ]) {
      expect(await refusal(work())).toContain(wrongFormat);
    }
    expect(await contents(client)).toEqual(before);
  }
});

test("a sale whose opening time has come reads as open", async () => {
  const its = operations();
  expect(await its.create({ ...usual, opensAtMs: 1 })).toMatchObject({ state: "open" });
  const opensAtMs = (await one.scripts.nowMs()) + 3_600_000;
  const later = { ...usual, sale: "later", opensAtMs };
  expect(await its.create(later)).toMatchObject({ state: "scheduled", opensAtMs });
});

test("sales are listed by id, and ids without a sale are left out", async () => {
  const its = operations();
  expect(await its.list()).toEqual([]);
  for (const sale of ["zoo", "arena", "museum"]) {
    await its.create({ ...usual, sale });
  }
  await one.server.client.sadd(salesKey, "half-created");
  expect((await its.list()).map(({ sale }) => sale)).toEqual(["arena", "museum", "zoo"]);
});

test("an id is taken once, and what there was stays as it was", async () => {
  const its = operations();
  await its.create(usual);
  const taken = await refusal(its.create({ ...usual, total: 99 }));
  expect(taken).toBe("sale tickets exists already; choose another id");
  expect(await its.read("tickets")).toMatchObject({ total: 10 });
});

test("an id is taken for as long as anything of a sale is there, since its holds would lapse into a new one", async () => {
  const its = operations();
  const { client } = one.server;
  const remains =
    "the ledger still has orders or other keys of an earlier sale tickets; choose another id";
  const { stock, ...others } = saleKeys("tickets");
  const { secretId: id } = await its.create(usual);
  await its.setState("tickets", "open");
  await one.scripts.hold(
    [
      ["k1", "ann"],
      ["k2", "bob"],
      ["k3", "cyd"],
      ["k4", "dan"],
    ],
    { secretId: id },
  );
  await its.restock("tickets", 5);
  await client.del(stock);
  const before = await contents(client);
  expect(await refusal(its.create(usual))).toBe(remains);
  expect(await contents(client)).toEqual(before);
  for (const key of Object.values(others)) {
    await client.flushall();
    await client.hset(key, "any", "thing");
    if (key !== others.events) {
      expect(await refusal(its.create(usual))).toBe(remains);
    }
    await client.del(key);
    expect(await its.create(usual)).toMatchObject({ left: 10, held: 0 });
  }
});

test("each refusal is a sentence that says what to do", async () => {
  const its = operations();
  const missing = 'there is no sale tickets; "sluice sale list" shows those there are';
  expect(await its.read("tickets")).toBeNull();
  expect(await refusal(its.setState("tickets", "open"))).toBe(missing);
  expect(await refusal(its.restock("tickets", 1))).toBe(missing);
  expect(await refusal(its.create({ ...usual, total: 0 }))).toContain("out of range");
  expect(await refusal(its.read("No Sale"))).toStartWith('"No Sale" is no sale id');
  await its.create({ ...usual, total: 1e9 });
  expect(await refusal(its.restock("tickets", 1))).toContain("more than 1000000000 tickets");
  expect(await refusal(its.restock("tickets", 1.5))).toContain("a whole number from 1");
  await its.setState("tickets", "closed");
  const closed = "sale tickets is closed, which is final; create another sale";
  expect(await refusal(its.setState("tickets", "open"))).toBe(closed);
  expect(await refusal(its.restock("tickets", 1))).toBe(closed);
});

test("a restock whose reply is lost, and lost again, counts once", async () => {
  await one.scripts.create();
  await operations().restock("tickets", 1); // Now the server knows the script.
  const between = cutter(scripts.restock.sha1, scripts.restock.sha1);
  const its = operations(between.url);
  await one.server.client.config("RESETSTAT");
  expect(await its.restock("tickets", 7)).toMatchObject({ total: 18 });
  expect(between.left).toBe(0);
  // Three copies of the restock, and the reading of the sale.
  expect(await calls(one.server.client, "evalsha")).toBe(3 + 1);
  await readWholeSale(one.scripts);
});

test("a sale whose creation was executed and its reply lost is created, not taken", async () => {
  await operations().create({ ...usual, sale: "another" });
  const between = cutter(scripts.create.sha1);
  expect(await operations(between.url).create(usual)).toMatchObject({ total: 10, left: 10 });
  expect(between.left).toBe(0);
  await readWholeSale(one.scripts);
});

test("a state whose reply is lost is set once", async () => {
  await one.scripts.create();
  await one.scripts.setState("paused");
  const between = cutter(scripts.setState.sha1);
  expect(await operations(between.url).setState("tickets", "open")).toMatchObject({
    state: "open",
  });
  expect(between.left).toBe(0);
  expect(await one.server.client.xlen(one.scripts.keys.events)).toBe(3);
});

test("a server that cannot be reached is named, without its password", async () => {
  const server = await RedisServer.start({ settings: { requirepass: "a-secret" } });
  await server.remove();
  const gone = await refusal(operations(server.url).list());
  expect(gone).toContain(`the ledger at redis://***@127.0.0.1:${server.port}/0`);
  expect(gone).toContain("ECONNREFUSED");
  expect(gone).not.toContain("a-secret");
});

test("a wrong password is refused, without showing it", async () => {
  const server = await RedisServer.start({ settings: { requirepass: "a-secret" } });
  try {
    const wrong = server.url.replace("a-secret", "a-guess");
    const refused = await refusal(operations(wrong).list());
    expect(refused).toContain("WRONGPASS");
    expect(refused).not.toContain("a-guess");
  } finally {
    await server.remove();
  }
});
