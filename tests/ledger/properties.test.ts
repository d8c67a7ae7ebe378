import { expect, test } from "bun:test";

import fc from "fast-check";

import { oneServer } from "./support/one-server.ts";
import { saleRun } from "./support/sale-steps.ts";
import { SideBySide } from "./support/side-by-side.ts";

const ledger = oneServer();
const runs = 150;

test("whatever is sold, sold again, paid, cancelled and lapses, in any order, the ledger is what the model is", async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(saleRun, async (run) => {
      const { client } = ledger.server;
      await client.flushall();
      const both = await SideBySide.begin(client, run.total, run.limit);
      if (run.opened) {
        await both.step({ kind: "state", state: "open" });
      }
      for (const step of run.steps) {
        await both.step(step);
        steps += 1;
      }
    }),
    { numRuns: runs },
  );
  expect(steps).toBeGreaterThan(runs);
});
