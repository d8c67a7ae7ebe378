import { expect, test } from "bun:test";

import fc from "fast-check";

import { oneServer } from "./support/one-server.ts";
import { SaleScripts } from "./support/sale-scripts.ts";
import { saleRun } from "./support/sale-steps.ts";
import { SideBySide } from "./support/side-by-side.ts";

const ledger = oneServer();
const runs = 150;

test("any order of batches, replays, restocks and states keeps the books as the model has them", async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(saleRun, async (run) => {
      await ledger.server.client.flushall();
      const scripts = new SaleScripts(ledger.server.client);
      const both = await SideBySide.begin(scripts, run.total, run.limit);
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
