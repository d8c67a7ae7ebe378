import { expect, test } from "bun:test";

import { saleKeys } from "../../src/ledger/keys.ts";
import { closeRigs, rigged } from "./support/ledger-rig.ts";
import { oneServer } from "./support/one-server.ts";

closeRigs();
const one = oneServer();
const keys = saleKeys("tickets");

async function openSale(): Promise<void> {
  await one.scripts.create({ total: 10 });
  await one.scripts.setState("open");
}

test("a sale whose books are broken is undecided and named, and does not end the node", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  await one.server.client.hset(keys.stock, "paid", "-1");
  const reason = expect.stringContaining("its books are broken");
  expect(await rig.ledger.heartbeat("tickets", 1)).toMatchObject({ kind: "unknown", reason });
});

test("an order that cannot be read is undecided and named, and does not end the node", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  expect((await rig.buy("k1")).kind).toBe("ok");
  await one.server.client.hset(keys.orders, "1", "no record");
  const unreadable = { kind: "unknown", reason: expect.stringContaining("cannot be read") };
  expect(await rig.buy("k1")).toMatchObject(unreadable);
  expect(await rig.ledger.lookup("tickets", ["k1"])).toMatchObject(unreadable);
  expect(await rig.ledger.readOrder("tickets", 1)).toMatchObject(unreadable);
});
