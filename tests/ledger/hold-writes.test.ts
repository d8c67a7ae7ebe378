import { expect, test } from "bun:test";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { parseOrderRecord } from "../../src/sale/order.ts";
import { until } from "../support/until.ts";
import { entries } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { type Ask, tokenOf } from "./support/sale-scripts.ts";

const ledger = oneServer();

test("knows no sale that was not created", async () => {
  const { server, scripts } = ledger;
  expect(await scripts.hold([["k1"]])).toMatchObject({ status: scriptStatus.noSale, results: [] });
  expect(await server.client.dbsize()).toBe(0);
});

test("writes everything that belongs to an order", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ holdMs: 90_000 });
  await scripts.setState("open");
  const earliestMs = await scripts.nowMs();
  const answer = await scripts.hold([["k1", "ann", 2], ["k2"], ["k3", "ann", 1]]);
  const latestMs = await scripts.nowMs();

  const { keys } = scripts;
  const record = await scripts.recordOf("k1");
  const fields = parseOrderRecord(scripts.sale, record);
  expect(fields).toMatchObject({
    state: "held",
    order: `tickets.1.${tokenOf("k1")}`,
    serial: 1,
    quantity: 2,
    buyer: "ann",
    key: "k1",
  });
  expect(fields.heldAtMs).toBeWithin(earliestMs, latestMs + 1);
  expect(fields.payByMs).toBe(fields.heldAtMs + 90_000);
  expect(answer.payByMs).toBe(fields.payByMs);

  expect(await server.client.hgetall(keys.requests)).toEqual({ k1: "1", k2: "2", k3: "3" });
  expect(await server.client.hgetall(keys.buyers)).toEqual({ ann: "3", "": "1" });
  const deadlines = await server.client.zrange(keys.deadlines, "0", "-1", "WITHSCORES");
  expect(deadlines).toEqual(["1-3", String(fields.payByMs)]);
  expect(await server.client.hmget(keys.stock, "held", "paid", "serial", "total")).toEqual([
    "4",
    "0",
    "3",
    "10",
  ]);
});

test("puts exactly one event with the record into the outbox for each order", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 2 });
  await scripts.setState("open");
  await scripts.hold([["k1"], ["k1"], ["k2", "", 5], ["k3"], ["k4"]]);
  await scripts.hold([["k1"], ["k3"]]);
  const { keys } = scripts;
  const held = (await entries(server.client, keys.events))
    .map(([, fields]) => fields)
    .filter((fields) => "held" in fields);
  expect(held).toEqual([
    { held: await scripts.recordOf("k1") },
    { held: await scripts.recordOf("k3") },
  ]);
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
  const record = await scripts.recordOf("k1");
  expect(parseOrderRecord(scripts.sale, record).heldAtMs).toBeGreaterThanOrEqual(opensAtMs);
});

test("does not open by its time while an operator has paused it", async () => {
  const { scripts } = ledger;
  await scripts.create({ opensAtMs: 1 });
  await scripts.setState("paused");
  expect((await scripts.hold([["k1"]])).results).toEqual([scriptStatus.notOnSale]);
  await scripts.setState("open");
  expect((await scripts.hold([["k1"]])).results).toEqual([1]);
});

test("decides a thousand requests at once", async () => {
  const { server, scripts } = ledger;
  await scripts.create({ total: 600 });
  await scripts.setState("open");
  const asks = Array.from({ length: 1000 }, (_, i): Ask => [`k${i}`, `buyer${i}`]);
  const { results, left } = await scripts.hold(asks);
  expect(results.slice(0, 600)).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
  expect(results.slice(600).every((result) => result === scriptStatus.soldOut)).toBe(true);
  expect(left).toBe(0);
  expect(await server.client.xlen(scripts.keys.events)).toBe(602);
});
