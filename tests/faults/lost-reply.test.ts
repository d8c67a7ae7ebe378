import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { until } from "../support/until.ts";
import type { Fault } from "./support/fault.ts";
import { orderOf } from "./support/final-books.ts";
import { removeRigs, Rig, sale } from "./support/rig.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

const faults: readonly Fault[] = [
  { kind: "loseReply" },
  { kind: "truncateReply" },
  { kind: "cutAfter" },
];

for (const fault of faults) {
  test(`a purchase whose reply suffers ${fault.kind} gets its one order`, async () => {
    const rig = await Rig.start({ tickets: 10, proxies: true });
    rig.proxy().next("hold", fault);
    const completion = await rig.buy(rig.node(1), { key: "mine" });
    expect(rig.proxy().faults(fault.kind)).toBe(1);
    expect(completion.kind).not.toBe("fail");

    const books = await rig.mustBalance();
    expect(books.orders).toHaveLength(1);
    const order = orderOf(books, { key: "mine" });
    // Told at once, after the batch was sent again, or when asked for the key.
    const [status] = rig.history.requestStatuses;
    expect(completion.kind === "ok" ? completion.order : status?.order).toBe(order as string);
    await rig.mustSellOut();
  });
}

test("a purchase that never reached the ledger is sold once, after the connection is back", async () => {
  const rig = await Rig.start({ tickets: 10, proxies: true });
  rig.proxy().next("hold", { kind: "cutBefore" });
  const completion = await rig.buy(rig.node(1), { key: "mine" });
  expect(rig.proxy().faults("cutBefore")).toBe(1);
  expect(completion.kind).not.toBe("fail");
  await rig.mustSellOut();
});

test("a purchase that was sold, though its repetition is refused, is not called failed", async () => {
  const rig = await Rig.start({ tickets: 10, proxies: true });
  const proxy = rig.proxy();
  proxy.next("hold", { kind: "loseReply" });
  const asked = rig.buy(rig.node(1), { key: "mine" });
  await until("it was sold", () => proxy.answered("loseReply") === 1);
  // The node repeats it as soon as it has given the connection up, and is refused.
  await rig.redis.client.config("SET", "maxmemory", "1");
  expect(await asked).toMatchObject({ kind: "unknown", why: "202", key: "mine" });
  expect(proxy.scriptCalls("hold")).toBeGreaterThan(1);
  await rig.redis.client.config("SET", "maxmemory", "0");
  await rig.node(1).untilReady();
  const books = await rig.mustBalance();
  expect(rig.history.requestStatuses).toEqual([
    { buyer: "", key: "mine", order: orderOf(books, { key: "mine" }) },
  ]);
  await rig.mustSellOut();
});

test("a copy that arrives after its request was refused sells nothing", async () => {
  const rig = await Rig.start({ tickets: 10, proxies: true });
  const [node, proxy] = [rig.node(1), rig.proxy()];
  proxy.next("hold", { kind: "holdBack", releaseMs: null });
  const asked = rig.buy(node, { key: "mine" });
  await until("the copy is on its way", () => proxy.heldBack === 1);
  await rig.operations.setState(sale, "paused");
  // The node gives the connection up and asks again on a new one, where the sale is paused.
  const completion = await asked;
  expect(completion).toMatchObject({ kind: "fail", status: 403 });

  await rig.operations.setState(sale, "open");
  proxy.deliverHeldBack();
  await until("Redis answered the copy", () => proxy.answered("holdBack") === 1);
  const books = await rig.mustBalance();
  expect(books.orders).toHaveLength(0);
  await rig.mustSellOut();
});

test("a copy that arrives after the same batch was sold sells nothing more", async () => {
  const rig = await Rig.start({ tickets: 10, proxies: true });
  const proxy = rig.proxy();
  proxy.next("hold", { kind: "holdBack", releaseMs: null });
  await rig.buy(rig.node(1), { key: "mine", quantity: 2 });
  expect(proxy.heldBack).toBe(1);
  proxy.deliverHeldBack();
  await until("Redis answered the copy", () => proxy.answered("holdBack") === 1);
  const books = await rig.mustSellOut();
  const order = orderOf(books, { key: "mine" });
  expect(books.heldEvents.filter((held) => held === order)).toHaveLength(1);
});
