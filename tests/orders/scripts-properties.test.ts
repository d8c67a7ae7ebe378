import { expect, test } from "bun:test";

import fc from "fast-check";

import { readEntry } from "../../src/ledger/outbox/entry.ts";
import type { OrderRecord } from "../../src/sale/order.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { tokenOf } from "../ledger/support/sale-scripts.ts";
import { readWholeSale } from "../ledger/support/whole-sale.ts";
import { OrderScripts } from "./support/order-scripts.ts";
import { stockOf } from "./support/stock.ts";

const ledger = oneServer();

test("payment, cancellation and lapse of the same hold, sent at once over many connections, in any order: one of them wins, and only one", async () => {
  const actions = fc.shuffledSubarray(["confirm", "confirm", "cancel", "lapse", "lapse"] as const, {
    minLength: 2,
  });
  const possible = ["cancelled", "lapsed", "lapsed revived", "paid"];
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(actions, fc.boolean(), fc.boolean(), async (order, soldOut, inBatch) => {
      const { client } = ledger.server;
      await client.flushall();
      const sale = new OrderScripts(client);
      const others = inBatch ? 4 : 0;
      await sale.open(others + (soldOut ? 2 : 3), 0, 2);
      const asks = Array.from({ length: others }, (_, i) => [`x${i}`, `of x${i}`] as const);
      await sale.hold([...asks, ["k", "ann", 2]]);
      if (inBatch) {
        await sale.confirm(asks.map(([key]) => key));
      }
      const before = await stockOf(sale);
      const told = await changesOf(sale);
      const connections = order.map(() => client.duplicate());
      try {
        const releases = await Promise.all(
          order.map((action, index) => act(new OrderScripts(connections[index] ?? client), action)),
        );
        const lives = (await changesOf(sale)).slice(told.length);
        const after = await stockOf(sale);
        const [k] = await sale.ordersOf(["k"]);
        const life = lives.map(({ cause }) => cause).join(" ");
        seen.add(life);
        // Lapsed, then revived by a late payment, is the only life with two changes.
        expect(possible).toContain(life);
        expect(k).toEqual(lives.at(-1) ?? null);
        const paid = k?.state === "paid" ? 2 : 0;
        expect([after.held, after.paid]).toEqual([0, others + paid]);
        const cameBack = lives[0]?.state === "released";
        expect(after.epoch - before.epoch).toBe(cameBack && before.left === 0 ? 1 : 0);
        expect(releases.reduce((sum, holds) => sum + holds, 0)).toBe(cameBack ? 1 : 0);
        await readWholeSale(sale);
      } finally {
        for (const connection of connections) {
          connection.disconnect();
        }
      }
    }),
    { numRuns: 200 },
  );
  // Else the interleavings were none.
  expect([...seen].sort()).toEqual(possible);
});

/** The records of the order of `k` that the outbox has, oldest first. */
async function changesOf({ client, keys, sale }: OrderScripts): Promise<OrderRecord[]> {
  const raw = await client.xrange(keys.events, "-", "+");
  return raw.flatMap(([id, fields]) => {
    const reading = readEntry({ sale, id, fields });
    const records = reading.kind === "orders" ? reading.records : [];
    return records.filter((record) => record?.token === tokenOf("k")) as OrderRecord[];
  });
}

/** How many holds it released. */
async function act(sale: OrderScripts, action: "confirm" | "cancel" | "lapse"): Promise<number> {
  if (action === "confirm") {
    await sale.confirm(["k"]);
    return 0;
  }
  const { released } = await (action === "cancel" ? sale.cancel(["k"]) : sale.lapse());
  return released;
}
