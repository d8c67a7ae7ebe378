import { expect, test } from "bun:test";

import fc from "fast-check";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { type OrderCause, type OrderState, parseOrderRecord } from "../../src/sale/order.ts";
import { entries } from "../ledger/support/contents.ts";
import { oneServer } from "../ledger/support/one-server.ts";
import { OrderModel, type Outcome } from "./support/order-model.ts";
import { causeOf, OrderScripts } from "./support/order-scripts.ts";
import { stockOf } from "./support/stock.ts";

const ledger = oneServer();

const key = fc.integer({ min: 1, max: 8 }).map((n) => `k${n}`);
const keys = fc.array(key, { minLength: 1, maxLength: 5 });
const step = fc.oneof(
  fc.record({
    kind: fc.constant("hold" as const),
    key,
    buyer: fc.constantFrom("ann", "bob", ""),
    quantity: fc.integer({ min: 1, max: 3 }),
    // A hold that is due at once, or not within this test.
    holdMs: fc.constantFrom(0, 600_000),
  }),
  fc.record({ kind: fc.constant("confirm" as const), keys }),
  fc.record({ kind: fc.constant("cancel" as const), keys }),
  fc.record({ kind: fc.constant("lapse" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A result of confirm.lua or release.lua in the words of the model. */
function outcomeOf(result: number | string, refused: Outcome): Outcome {
  if (typeof result === "string") {
    return result.split("\t")[0] as Outcome;
  }
  return result === scriptStatus.noOrder ? "unknown" : refused;
}

async function play(sale: OrderScripts, model: OrderModel, one: Step): Promise<void> {
  switch (one.kind) {
    case "hold": {
      await sale.client.hset(sale.keys.stock, "holdMs", one.holdMs);
      const { payByMs } = await sale.hold([[one.key, one.buyer, one.quantity]]);
      model.hold(one.key, one.buyer, one.quantity, payByMs);
      return;
    }
    case "confirm": {
      const { results } = await sale.confirm(one.keys);
      expect(results.map((result) => outcomeOf(result, "refund"))).toEqual(model.confirm(one.keys));
      return;
    }
    case "cancel": {
      const { results, released } = await sale.cancel(one.keys);
      const expected = model.release(one.keys, "cancelled");
      expect(results.map((result) => outcomeOf(result, "alreadyPaid"))).toEqual(expected.outcomes);
      expect(released).toBe(expected.released);
      return;
    }
    case "lapse": {
      const { released } = await sale.lapse();
      expect(released).toBe(model.release(model.due(await sale.nowMs()), "lapsed").released);
    }
  }
}

async function compare(sale: OrderScripts, model: OrderModel, firstEpoch: number): Promise<void> {
  expect(await stockOf(sale)).toEqual({
    held: model.count("held"),
    paid: model.count("paid"),
    left: model.left,
    epoch: firstEpoch + model.epochs,
  });
  expect(model.left).toBeGreaterThanOrEqual(0);
  expect(await sale.client.hgetall(sale.keys.buyers)).toEqual(model.buyers);
  // The newest event of each order is its record, and there is one event a revision.
  const told = new Map<string, string[]>();
  for (const [, fields] of await entries(sale.client, sale.keys.events)) {
    const record = fields["held"] ?? fields["paid"] ?? fields["released"];
    if (record !== undefined) {
      const order = parseOrderRecord(sale.sale, record);
      told.set(order.key, [...(told.get(order.key) ?? []), record]);
      expect(order.revision).toBe(told.get(order.key)?.length ?? 0);
      expect(fields).toEqual({ [order.state]: record });
    }
  }
  expect([...told.keys()].sort()).toEqual([...model.orders.keys()].sort());
  for (const [name, order] of model.orders) {
    const record = await sale.recordOf(name);
    const { state, cause, revision, quantity, buyer } = parseOrderRecord(sale.sale, record);
    expect({ state, cause, revision, quantity, buyer }).toEqual({
      state: order.state,
      cause: order.cause,
      revision: order.revision,
      quantity: order.quantity,
      buyer: order.buyer,
    });
    expect(told.get(name)?.at(-1)).toBe(record);
  }
}

test("any order of holds, payments, cancellations and lapses keeps the books as the model has them", async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.array(step, { minLength: 1, maxLength: 25 }),
      async (total, run) => {
        await ledger.server.client.flushall();
        const sale = new OrderScripts(ledger.server.client);
        await sale.open(total);
        const model = new OrderModel(total);
        const { epoch } = await stockOf(sale);
        for (const one of run) {
          await play(sale, model, one);
          steps += 1;
        }
        await compare(sale, model, epoch);
      },
    ),
    { numRuns: 200 },
  );
  expect(steps).toBeGreaterThan(200);
});

test("payment, cancellation and lapse of the same hold, sent at once over many connections, in any order: one of them wins, and only one", async () => {
  const actions = fc.shuffledSubarray(["confirm", "confirm", "cancel", "lapse", "lapse"] as const, {
    minLength: 2,
  });
  const lives = ["cancelled", "lapsed", "lapsed revived", "paid"];
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(actions, fc.boolean(), async (order, soldOut) => {
      const { client } = ledger.server;
      await client.flushall();
      const sale = new OrderScripts(client);
      await sale.open(soldOut ? 2 : 3, 0);
      await sale.hold([["k", "ann", 2]]);
      const before = await stockOf(sale);
      const connections = order.map(() => client.duplicate());
      try {
        const releases = await Promise.all(
          order.map((action, index) => act(new OrderScripts(connections[index] ?? client), action)),
        );
        const events = (await entries(client, sale.keys.events)).slice(3);
        const states = events.map(([, fields]) => Object.keys(fields)[0]);
        const after = await stockOf(sale);
        const causes = events.map(([, fields]) => causeOf(Object.values(fields)[0]));
        const { state, cause } = parseOrderRecord("tickets", await sale.recordOf("k"));
        seen.add(causes.join(" "));
        // Lapsed, then revived by a late payment, is the only life with two changes.
        expect(lives).toContain(causes.join(" "));
        expect([state, cause]).toEqual([states.at(-1), causes.at(-1)] as [OrderState, OrderCause]);
        expect([after.held, after.paid]).toEqual(state === "paid" ? [0, 2] : [0, 0]);
        const cameBack = states[0] === "released";
        expect(after.epoch - before.epoch).toBe(cameBack && before.left === 0 ? 1 : 0);
        expect(await client.hgetall(sale.keys.buyers)).toEqual(
          state === "paid" ? { ann: "2" } : {},
        );
        const released = releases.reduce((sum, holds) => sum + holds, 0);
        expect(released).toBe(cameBack ? 1 : 0);
      } finally {
        for (const connection of connections) {
          connection.disconnect();
        }
      }
    }),
    { numRuns: 200 },
  );
  // Else the interleavings were none.
  expect([...seen].sort()).toEqual(lives);
});

/** How many holds it released. */
async function act(sale: OrderScripts, action: "confirm" | "cancel" | "lapse"): Promise<number> {
  if (action === "confirm") {
    await sale.confirm(["k"]);
    return 0;
  }
  const { released } = await (action === "cancel" ? sale.cancel(["k"]) : sale.lapse());
  return released;
}
