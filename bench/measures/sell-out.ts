import { join } from "node:path";

import { SaleOperations } from "../../src/ledger/operations.ts";
import { inheritedEnvironment } from "../config.ts";
import { runHyperfine } from "../hyperfine.ts";
import type { Measure } from "../measure.ts";
import { startBenchStack } from "../servers/stack.ts";
import { spreadOf } from "../statistics.ts";

const tickets = 10_000;
const bench = join(import.meta.dir, "..");

/** How long ten thousand tickets last: the embedded stack, all four nodes, through Nginx. */
export const measureSellOut: Measure = async ({ workshop, options }) => {
  const { stack, stop } = await startBenchStack(workshop);
  const addressFile = join(workshop.folder, "sale-address");
  const nodeUrls = stack.nodes.map((node) => node.url);
  const seconds = await runHyperfine(workshop, {
    name: "sell-out",
    command: [join(bench, "sell-out"), addressFile, String(tickets), String(options.connections)],
    prepare: [
      process.execPath,
      join(bench, "next-sale.ts"),
      stack.redisUrl,
      String(tickets),
      stack.url,
      addressFile,
      ...nodeUrls,
    ],
    runs: options.rounds * 2,
    environment: inheritedEnvironment(),
  });
  await demandSoldOut(stack.redisUrl);
  const { durability } = stack.record.options;
  await stop();
  const figure = spreadOf(seconds.map((value) => value * 1_000));
  return [
    {
      kind: "figure",
      id: "sellOut",
      what: `${tickets} tickets sell out through the stack`,
      unit: "ms",
      atMost: null,
      figure,
      notes: [
        `${tickets} purchases through Nginx and four nodes, durability ${durability}, a new sale ` +
          "each time, oha's start included; afterwards every sale had 0 left",
        `${Math.round(tickets / (figure.median / 1_000))} tickets/s`,
      ],
    },
  ];
};

/** Throws unless each sale was sold to the last ticket, which is what was timed. */
async function demandSoldOut(redisUrl: string): Promise<void> {
  const operations = new SaleOperations(redisUrl);
  try {
    for (const { sale, held, left } of await operations.list()) {
      if (left !== 0 || held !== tickets) {
        throw new Error(`sale ${sale} has ${left} left and ${held} held of ${tickets}`);
      }
    }
  } finally {
    operations.close();
  }
}
