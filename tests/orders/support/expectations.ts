import { expect } from "bun:test";

import { deadLettersKey } from "../../../src/ledger/keys.ts";
import { readLag } from "../../../src/ledger/outbox/lag.ts";
import { parseOrderRecord } from "../../../src/sale/order.ts";
import type { SaleScripts } from "../../ledger/support/sale-scripts.ts";
import { until } from "../../support/until.ts";
import { storedRows } from "./databases.ts";

/** Waits until the workers have stored, or given up, everything in the outbox of a sale. */
export async function untilDry(sale: SaleScripts, deadlineMs = 40_000): Promise<void> {
  await until(
    `the outbox of ${sale.sale} has run dry`,
    async () => (await readLag(sale.client, sale.sale))?.entries === 0,
    deadlineMs,
  );
}

/** Every order of the sale is in the database once, as the ledger has it, and nothing else is. */
export async function expectStored(sale: SaleScripts, url: string): Promise<void> {
  const records = await sale.client.hvals(sale.keys.orders);
  const expected = records
    .map((text) => parseOrderRecord(sale.sale, text))
    .sort((a, b) => a.serial - b.serial)
    .map(({ order, serial, key, buyer, quantity, state, revision, cause }) =>
      [order, serial, key, buyer, quantity, state, revision, cause].join(" | "),
    );
  const rows = (await storedRows(url)).filter((row) => row.sale === sale.sale);
  const stored = rows.map(({ order, serial, key, buyer, quantity, state, revision, cause }) =>
    [order, serial, key, buyer, quantity, state, revision, cause].join(" | "),
  );
  expect(stored).toEqual(expected);
}

export function countDeadLetters(sale: SaleScripts): Promise<number> {
  return sale.client.xlen(deadLettersKey(sale.sale));
}
