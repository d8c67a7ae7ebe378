import { expect, test } from "bun:test";

import { saleKeys } from "../../src/ledger/keys.ts";
import { closeRigs, type LedgerRig, rigged } from "./support/ledger-rig.ts";
import { oneServer } from "./support/one-server.ts";
import { tokenOf } from "./support/sale-scripts.ts";

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

/**
 * Asks for the order of k1 in every way that a node has. It alone is undecided: who buys or asks
 * together with it is told the truth.
 */
async function expectUnreadable(rig: LedgerRig): Promise<void> {
  const unreadable = { kind: "unreadable" };
  const order = { serial: 1, token: tokenOf("k1") };
  const refs = [{ ...order }, { serial: 99, token: tokenOf("none") }];
  expect(await rig.buy("honest", "k1", "other")).toMatchObject({
    kind: "ok",
    value: { results: [{ kind: "sold" }, unreadable, { kind: "sold" }] },
  });
  expect(await rig.lookup("honest", "k1", "none")).toMatchObject({
    kind: "ok",
    value: { orders: [{ state: "held" }, unreadable, null] },
  });
  for (const change of [rig.ledger.confirm("tickets", refs), rig.ledger.cancel("tickets", refs)]) {
    expect(await change).toMatchObject({
      kind: "ok",
      value: { results: [unreadable, { kind: "unknownOrder" }] },
    });
  }
  expect(await rig.ledger.readOrder("tickets", order)).toMatchObject({
    kind: "unknown",
    reason: expect.stringMatching(/cannot be read|is not there/),
  });
}

test("an order that cannot be read is undecided, and nobody else's is", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  expect((await rig.buy("k1")).kind).toBe("ok");
  await one.server.client.hset(keys.orders, tokenOf("k1"), "no record");
  await expectUnreadable(rig);
});

test("an order whose batch is gone is undecided, and nobody else's is", async () => {
  await openSale();
  const rig = await rigged({ url: one.server.url });
  expect((await rig.buy("k1", "k2", "k3", "k4")).kind).toBe("ok");
  expect(await one.server.client.del(keys.batches)).toBe(1);
  await expectUnreadable(rig);
});
