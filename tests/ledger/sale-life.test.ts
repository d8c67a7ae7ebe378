import { expect, test } from "bun:test";

import { changedKey, formatKey } from "../../src/ledger/keys.ts";
import { readEntry } from "../../src/ledger/outbox/entry.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import type { SaleDefinition } from "../../src/sale/sale.ts";
import { secretId } from "../../src/sale/tokens.ts";
import { contents, countingChanges } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { testSecret } from "./support/sale-scripts.ts";
import { numberOf } from "./support/shapes.ts";
import { writingCalls } from "./support/writing-calls.ts";

const ledger = oneServer();
const { done, repeated, noSale, saleClosed, saleExists, totalTooLarge, wrongFormat } = scriptStatus;

/** The definitions of the sale that the outbox has, oldest first. */
async function definitions(): Promise<SaleDefinition[]> {
  const { server, scripts } = ledger;
  const raw = await server.client.xrange(scripts.keys.events, "-", "+");
  return raw.flatMap(([id, fields]) => {
    const reading = readEntry({ sale: scripts.sale, id, fields });
    return reading.kind === "sale" ? [reading.definition] : [];
  });
}

/** It moves whenever nodes and workers are to read their sales again. */
async function changed(): Promise<number> {
  return Number(await ledger.server.client.get(changedKey));
}

async function epoch(): Promise<number> {
  return numberOf((await ledger.scripts.read())[8]);
}

test("a new sale waits for its opening with all of its tickets", async () => {
  const { scripts } = ledger;
  const earliestMs = await scripts.nowMs();
  expect(await scripts.create({ total: 7, limit: 2, holdMs: 1_000, opensAtMs: 5 })).toBe(done);
  const latestMs = await scripts.nowMs();
  const read = await scripts.read();
  const [status, total, held, paid, limit, holdMs, opensAtMs, state, its, serial, nowMs] = read;
  expect([status, total, held, paid, limit, holdMs, opensAtMs, state, serial]).toEqual([
    "0",
    "7",
    "0",
    "0",
    "2",
    "1000",
    "5",
    "scheduled",
    "0",
  ]);
  expect(numberOf(its)).toBeWithin(earliestMs, latestMs + 1);
  expect(numberOf(nowMs)).toBeWithin(latestMs, (await scripts.nowMs()) + 1);
  const definition = { total: 7, limit: 2, holdMs: 1_000, opensAtMs: 5, state: "scheduled" };
  const [first, ...others] = await definitions();
  const secret = secretId(testSecret);
  const { changedAtMs = 0 } = first ?? {};
  expect(first as unknown).toEqual({
    ...definition,
    revision: 1,
    cause: "created",
    secretId: secret,
    changedAtMs,
  });
  expect(changedAtMs).toBeWithin(earliestMs, latestMs + 1);
  expect(others).toEqual([]);
  expect((await scripts.read()).at(-1)).toBe(secret);
  expect(await ledger.server.client.get(scripts.keys.secret)).toBe(testSecret);
});

test("the largest numbers that are allowed come back unchanged", async () => {
  const { scripts } = ledger;
  await scripts.create({ total: 1e9, limit: 1e9, holdMs: 1e12, opensAtMs: 1e15 });
  expect((await scripts.read()).slice(1, 7)).toEqual([
    "1000000000",
    "0",
    "0",
    "1000000000",
    "1000000000000",
    "1000000000000000",
  ]);
});

test("creating again with the same operation changes nothing, even after sales", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 3 }, "op-1");
  await scripts.setState("open");
  await scripts.hold([["k1"]]);
  const before = await contents(server.client);
  expect(await scripts.create({ total: 3 }, "op-1")).toBe(repeated);
  expect(await contents(server.client)).toEqual(before);
});

test("another operation cannot create a sale that exists", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 3 }, "op-1");
  const before = await contents(server.client);
  expect(await scripts.create({ total: 5 }, "op-2")).toBe(saleExists);
  expect(await contents(server.client)).toEqual(before);
});

test("nothing can be done to a sale that there is not", async () => {
  const { server, scripts } = ledger;
  expect(await scripts.setState("open")).toBe(noSale);
  expect(await scripts.restock("op", 1)).toBe(noSale);
  expect((await scripts.read())[0]).toBe(String(noSale));
  expect(await scripts.lookup(["k1"])).toEqual({ status: noSale, results: [] });
  expect(await server.client.dbsize()).toBe(0);
});

test("a sale is not created in a ledger of another form", async () => {
  const { server, scripts } = ledger;
  for (const form of ["0", "2", "", null]) {
    await server.client.flushall();
    if (form !== null) {
      await server.client.set(formatKey, form);
    }
    const before = await contents(server.client);
    const { script, keys, args } = writingCalls.create;
    expect(await scripts.run(script, keys, args)).toBe(wrongFormat);
    expect(await contents(server.client)).toEqual(before);
  }
});

test("the secret is in no entry of the outbox and in no counter", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await scripts.setState("open");
  await scripts.hold([["k1"], ["k2"], ["k3"], ["k4"]]);
  const { [scripts.keys.secret]: secret, ...others } = await contents(server.client);
  expect(secret).toBe(testSecret);
  expect(JSON.stringify(others)).not.toContain(testSecret);
});

test("a state that is set again makes no change and no event", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  const before = await changed();
  for (const state of ["open", "paused", "open", "closed"]) {
    expect(await scripts.setState(state)).toBe(done);
    const again = await countingChanges(server.client, () => scripts.setState(state));
    expect(again).toEqual({ value: done, made: 0 });
  }
  const told = await definitions();
  const causes = ["created", "open", "paused", "open", "closed"];
  expect(told.map(({ cause }): string => cause)).toEqual(causes);
  expect(told.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5]);
  expect(told.slice(1).map(({ state }): string => state)).toEqual(causes.slice(1));
  expect(await changed()).toBe(before + 4);
});

test("closed is final", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await scripts.restock("before", 1);
  await scripts.setState("closed");
  const before = await contents(server.client);
  expect(await scripts.setState("open")).toBe(saleClosed);
  expect(await scripts.setState("paused")).toBe(saleClosed);
  expect(await scripts.restock("op", 1)).toBe(saleClosed);
  expect(await scripts.restock("before", 1)).toBe(repeated);
  expect(await contents(server.client)).toEqual(before);
});

test("a restock counts once for each operation, whatever the repetition says", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 2 });
  expect(await scripts.restock("op-1", 3)).toBe(done);
  const before = await contents(server.client);
  expect(await scripts.restock("op-1", 3)).toBe(repeated);
  expect(await scripts.restock("op-1", 9)).toBe(repeated);
  expect(await contents(server.client)).toEqual(before);
  expect(await scripts.restock("op-2", 3)).toBe(done);
  expect((await scripts.read())[1]).toBe("8");
  expect((await definitions()).map(({ cause, total }) => [cause, total] as const)).toEqual([
    ["created", 2],
    ["restocked", 5],
    ["restocked", 8],
  ]);
});

test("a sale takes tickets up to a billion and none beyond", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 1e9 - 1 });
  const before = await contents(server.client);
  expect(await scripts.restock("op-1", 2)).toBe(totalTooLarge);
  expect(await contents(server.client)).toEqual(before);
  expect(await scripts.restock("op-1", 1)).toBe(done);
  expect((await scripts.read())[1]).toBe("1000000000");
});

test("the epoch grows exactly when tickets come back after the last was sold", async () => {
  const { scripts } = ledger;
  await scripts.create({ total: 2 });
  await scripts.setState("open");
  const first = await epoch();
  await scripts.hold([["k1"]]);
  await scripts.restock("while one is left", 1);
  expect(await epoch()).toBe(first);
  const last = await scripts.hold([["k2", "", 2]]);
  expect(last).toMatchObject({ left: 0, epoch: first });
  await scripts.setState("paused");
  await scripts.setState("open");
  expect(await epoch()).toBe(first);
  await scripts.restock("when none is left", 1);
  await scripts.restock("when none is left", 1);
  await scripts.restock("when one is left", 1);
  expect(await epoch()).toBe(first + 1);
  expect(await scripts.hold([["k3"]])).toMatchObject({ left: 1, epoch: first + 1 });
});
