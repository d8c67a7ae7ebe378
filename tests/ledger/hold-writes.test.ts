import { expect, test } from "bun:test";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { requestHash } from "../../src/sale/tokens.ts";
import { until } from "../support/until.ts";
import { entries } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { type Ask, pairsOf, tokenOf } from "./support/sale-scripts.ts";

const ledger = oneServer();

test("knows no sale that was not created", async () => {
  const { server, scripts } = ledger;
  expect(await scripts.hold([["k1"]])).toMatchObject({ status: scriptStatus.noSale, results: [] });
  expect(await server.client.dbsize()).toBe(0);
});

const three: readonly Ask[] = [["k1", "ann", 2], ["k2"], ["k3", "ann", 1]];
const four: readonly Ask[] = [...three, ["k4", "bob", 2]];

async function openSale(limit: number): Promise<typeof ledger> {
  await ledger.scripts.create({ holdMs: 90_000, limit });
  await ledger.scripts.setState("open");
  return ledger;
}

test("writes few orders as records that say everything, each with a deadline of its own", async () => {
  const { server, scripts } = await openSale(0);
  const earliestMs = await scripts.nowMs();
  const answer = await scripts.hold(three);
  const latestMs = await scripts.nowMs();
  const { keys } = scripts;
  const [first] = await scripts.ordersOf(["k1"]);
  expect(first).toMatchObject({
    token: tokenOf("k1"),
    state: "held",
    serial: 1,
    quantity: 2,
    buyer: "ann",
    revision: 1,
    cause: "held",
    hash: requestHash("ann", "k1"),
  });
  const { heldAtMs = 0, payByMs = 0, changedAtMs } = first ?? {};
  expect(heldAtMs).toBeWithin(earliestMs, latestMs + 1);
  expect([changedAtMs, payByMs, answer.payByMs]).toEqual([heldAtMs, heldAtMs + 90_000, payByMs]);
  for (const text of await server.client.hvals(keys.orders)) {
    expect(text).toMatch(/^held\t/);
  }
  expect(await server.client.exists(keys.batches)).toBe(0);
  const deadlines = await server.client.zrange(keys.deadlines, "0", "-1", "WITHSCORES");
  const members = three.map(([key]) => `o${tokenOf(key)}`).sort();
  expect(deadlines).toEqual(members.flatMap((member) => [member, String(payByMs)]));
  const counted = await server.client.hmget(keys.stock, "held", "paid", "serial", "records");
  expect(counted).toEqual(["4", "0", "3", "3"]);
});

test("writes more orders as they were sent, with one row and one deadline for all", async () => {
  const { server, scripts } = await openSale(0);
  const ref = scripts.newRef();
  const { payByMs } = await scripts.hold(four, { ref });
  const { keys } = scripts;
  const pairs = pairsOf(four, ref);
  const sent = pairs.filter((_, i) => i % 2 === 1);
  const tokens = four.map(([key]) => tokenOf(key));
  expect(await server.client.hmget(keys.orders, ...tokens)).toEqual(sent);
  const entry = (await entries(server.client, keys.events)).at(-1);
  const heldAtMs = payByMs - 90_000;
  const row = [entry?.[0], 1, heldAtMs, payByMs, 4].join("\t");
  expect(await server.client.hgetall(keys.batches)).toEqual({ [ref]: row });
  const deadlines = await server.client.zrange(keys.deadlines, "0", "-1", "WITHSCORES");
  expect(deadlines).toEqual([`b${ref}`, String(payByMs)]);
  const head = [ref, 1, heldAtMs, payByMs].join("\t");
  expect(entry?.[1]).toEqual({ n: "4", orders: [head, ...pairs].join("\n") });
});

test.each([
  ["three", three, { ann: "3" }],
  ["four", [...four, ["k5", "ann"]], { ann: "3", bob: "2" }],
] as const)(
  "counts buyers only where the sale has a limit (%s requests)",
  async (_, asks, counted) => {
    const { server, scripts } = await openSale(0);
    const { keys } = scripts;
    await scripts.hold(asks);
    expect(await server.client.exists(keys.buyers)).toBe(0);
    await server.client.flushall();
    await openSale(3);
    await scripts.hold(asks);
    expect(await server.client.hgetall(keys.buyers)).toEqual(counted);
  },
);

test("puts exactly one entry into the outbox for each call that sells, with what it sold", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 2 });
  await scripts.setState("open");
  await scripts.hold([["k1"], ["k2", "", 5], ["k3"], ["k4"]]);
  await scripts.hold([["k1"], ["k3"], ["k5"]]);
  const sold = (await entries(server.client, scripts.keys.events)).flatMap(([, fields]) =>
    fields["orders"] === undefined ? [] : [fields],
  );
  const lines = [
    "",
    tokenOf("k1"),
    await scripts.recordOf("k1"),
    tokenOf("k3"),
    await scripts.recordOf("k3"),
  ];
  expect(sold).toEqual([{ n: "2", orders: lines.join("\n") }]);
});

test("opens at its time, by the clock of the ledger", async () => {
  const { scripts } = ledger;
  const opensAtMs = (await scripts.nowMs()) + 150;
  await scripts.create({ opensAtMs });
  expect((await scripts.hold([["early"]])).results).toEqual([scriptStatus.notOnSale]);
  await until("the sale has opened", async () => {
    const { results } = await scripts.hold([["k1"]]);
    return results[0] !== scriptStatus.notOnSale;
  });
  const [order] = await scripts.ordersOf(["k1"]);
  expect(order?.heldAtMs).toBeGreaterThanOrEqual(opensAtMs);
});

test("does not open by its time while an operator has paused it", async () => {
  const { scripts } = ledger;
  await scripts.create({ opensAtMs: 1 });
  await scripts.setState("paused");
  expect((await scripts.hold([["k1"]])).results).toEqual([scriptStatus.notOnSale]);
  await scripts.setState("open");
  expect((await scripts.hold([["k1"]])).results).toEqual([1]);
});

test.each([1, 3, 4, 1_000])("decides %i requests at once, sold or not", async (count) => {
  const { server, scripts } = ledger;
  await scripts.create({ total: count });
  await scripts.setState("open");
  const asks = Array.from({ length: count }, (_, i): Ask => [`k${i}`, `buyer${i}`]);
  const { results, left } = await scripts.hold(asks);
  expect(results).toEqual(asks.map((_, i) => i + 1));
  expect(left).toBe(0);
  const others = asks.map(([key]): Ask => [`other-${key}`]);
  const refused = await scripts.hold(others);
  expect(refused.results).toEqual(asks.map(() => scriptStatus.soldOut));
  expect(await server.client.hlen(scripts.keys.orders)).toBe(count);
  expect(await server.client.xlen(scripts.keys.events)).toBe(3);
});

test("of a thousand requests sells as many as there are tickets", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 600 });
  await scripts.setState("open");
  const asks = Array.from({ length: 1000 }, (_, i): Ask => [`k${i}`, `buyer${i}`]);
  const { results, left } = await scripts.hold(asks);
  expect(results.slice(0, 600)).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
  expect(results.slice(600).every((result) => result === scriptStatus.soldOut)).toBe(true);
  expect(left).toBe(0);
  expect(await server.client.hget(scripts.keys.stock, "records")).toBe("600");
});
