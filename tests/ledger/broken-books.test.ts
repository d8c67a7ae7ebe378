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
  await one.server.client.rpush(saleKeys("strange").stock, "no hash");
  const reason = expect.stringContaining("its books are broken");
  const noHash = expect.stringContaining("WRONGTYPE");
  // Only what is broken: the others of the same round trip are read.
  expect(await rig.ledger.readSales(["tickets", "absent", "strange"])).toMatchObject([
    { kind: "unknown", reason },
    { kind: "ok", value: null },
    { kind: "unknown", reason: noHash },
  ]);
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
