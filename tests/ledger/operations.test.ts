import { afterEach, expect, test } from "bun:test";

import { salesKey } from "../../src/ledger/keys.ts";
import { SaleOperations } from "../../src/ledger/operations.ts";
import { scripts } from "../../src/ledger/scripts.ts";
import { OperationError } from "../../src/ledger/session.ts";
import { RedisServer } from "../support/redis-server.ts";
import { checkInvariants, readBooks } from "./support/books.ts";
import { calls } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { ReplyCutter } from "./support/reply-cutter.ts";

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

async function checkBooks(): Promise<void> {
  checkInvariants("tickets", await readBooks(one.server.client, one.scripts.keys));
}

test("a sale is created, opened, restocked, paused and closed, and read in between", async () => {
  const its = operations();
  expect(await its.create(usual)).toMatchObject({ ...usual, state: "scheduled", left: 10 });
  expect(await its.setState("tickets", "open")).toMatchObject({ state: "open" });
  expect(await its.restock("tickets", 5)).toMatchObject({ total: 15, left: 15 });
  expect(await its.restock("tickets", 5)).toMatchObject({ total: 20 });
  await one.scripts.hold([["k1", "ann", 2]]);
  expect(await its.read("tickets")).toMatchObject({ total: 20, held: 2, left: 18, serial: 1 });
  expect(await its.setState("tickets", "paused")).toMatchObject({ state: "paused" });
  expect(await its.setState("tickets", "closed")).toMatchObject({ state: "closed" });
  await checkBooks();
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
  await checkBooks();
});

test("a sale whose creation was executed and its reply lost is created, not taken", async () => {
  await operations().create({ ...usual, sale: "another" });
  const between = cutter(scripts.create.sha1);
  expect(await operations(between.url).create(usual)).toMatchObject({ total: 10, left: 10 });
  expect(between.left).toBe(0);
  await checkBooks();
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
