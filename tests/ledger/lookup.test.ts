import { expect, test } from "bun:test";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { scripts as allScripts } from "../../src/ledger/scripts.ts";
import { OrderScripts } from "../orders/support/order-scripts.ts";
import { contents, countingChanges } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { tokenOf } from "./support/sale-scripts.ts";

const ledger = oneServer();
const { noOrder, wrongSecret } = scriptStatus;

/** `k1`, whose record says everything, and `k2`, whose batch has the rest. */
async function soldTwo(): Promise<void> {
  const { scripts } = ledger;
  await scripts.create({ total: 5 });
  await scripts.setState("open");
  await scripts.hold([["k1", "ann"]]);
  await scripts.hold([["k2"], ["b1"], ["b2"], ["b3"], ["k3"]]);
}

test("each request that was sold gives its record in the full form, the others nothing", async () => {
  const { scripts } = ledger;
  await soldTwo();
  const [first, second] = [await scripts.recordOf("k1"), await scripts.recordOf("k2")];
  const { status, results } = await scripts.lookup(["k2", "k3", "never", "k1", "k2"]);
  expect({ status, results }).toEqual({
    status: 0,
    results: [second, noOrder, noOrder, first, second],
  });
});

test("it answers a paused and a closed sale as well", async () => {
  const { scripts } = ledger;
  await soldTwo();
  await scripts.setState("closed");
  expect((await scripts.lookup(["k1"])).results).toEqual([await scripts.recordOf("k1")]);
});

test("it answers an order that was released since with what it is now", async () => {
  const scripts = new OrderScripts(ledger.server.client);
  await soldTwo();
  await scripts.cancel(["k2"]);
  const released = await scripts.recordOf("k2");
  expect(released).toStartWith("released");
  expect((await scripts.lookup(["k2"])).results).toEqual([released]);
});

test("tokens of another sale's secret are refused, not said to have no order", async () => {
  const { scripts } = ledger;
  await soldTwo();
  const { stock, orders, batches } = scripts.keys;
  const args = [1, "0123456789abcdef", tokenOf("k1")];
  const asked = scripts.run(allScripts.lookup, [stock, orders, batches], args);
  expect(await asked).toEqual([wrongSecret, "[]"]);
});

test("it takes a thousand tokens at once", async () => {
  const { scripts } = ledger;
  await soldTwo();
  const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
  const { results } = await scripts.lookup(keys);
  expect(results.length).toBe(1000);
  expect(results.filter((result) => result !== noOrder).length).toBe(2);
});

test("with a fence it writes if it found an order, so that a wait covers it; else never", async () => {
  const { server, scripts } = ledger;
  await soldTwo();
  const before = await contents(server.client);
  const made: number[] = [];
  for (const [keys, fence] of [
    [["k1", "k3"], 0],
    [["k3"], 1],
    [["k3", "k1", "k2"], 1],
  ] as const) {
    made.push((await countingChanges(server.client, () => scripts.lookup(keys, fence))).made);
  }
  expect(made).toEqual([0, 0, 1]);
  await server.client.hdel(scripts.keys.stock, "fencedAtMs");
  expect(await contents(server.client)).toEqual(before);
});
