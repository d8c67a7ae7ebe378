import { expect } from "bun:test";

import type { Redis } from "ioredis";

import { type SaleKeys, saleKeys } from "../../../src/ledger/keys.ts";
import { readBatchRow } from "../../../src/ledger/outbox/entry.ts";
import { readLag } from "../../../src/ledger/outbox/lag.ts";
import { batchRefOf, type OrderRecord, readOrderRecord } from "../../../src/sale/order.ts";
import { until } from "../../support/until.ts";
import { storedRows } from "./databases.ts";

/** A sale in a ledger, whoever wrote it there. */
export interface LedgerSale {
  readonly client: Redis;
  readonly sale: string;
  readonly keys: SaleKeys;
}

/** Waits until the workers have stored, or given up, everything in the outbox of a sale. */
export async function untilDry(sale: LedgerSale, deadlineMs = 40_000): Promise<void> {
  await until(
    `the outbox of ${sale.sale} has run dry`,
    async () => (await readLag(sale.client, sale.sale))?.entries === 0,
    deadlineMs,
  );
}

/** Every order of the sale is in the database once, as the ledger has it, and nothing else is. */
export async function expectStored(sale: LedgerSale, url: string): Promise<void> {
  const expected = (await ledgerRecords(sale)).map(
    ({ serial, token, buyer, quantity, state, revision, cause, hash }) =>
      [serial, token, buyer, quantity, state, revision, cause, hash].join(" | "),
  );
  const rows = (await storedRows(url)).filter((row) => row.sale === sale.sale);
  const stored = rows.map(({ serial, token, buyer, quantity, state, revision, cause, hash }) =>
    [serial, token, buyer, quantity, state, revision, cause, hash].join(" | "),
  );
  expect(stored).toEqual(expected);
}

/** The orders of a sale as the ledger has them, by serial. */
export async function ledgerRecords({ client, keys }: LedgerSale): Promise<OrderRecord[]> {
  const [orders, batches] = [await client.hgetall(keys.orders), await client.hgetall(keys.batches)];
  return Object.entries(orders)
    .map(([token, text]) => {
      const ref = batchRefOf(text);
      return readOrderRecord(
        token,
        text,
        ref === null ? null : readBatchRow(ref, batches[ref] ?? ""),
      );
    })
    .sort((a, b) => a.serial - b.serial);
}

export function countDeadLetters({ client, sale }: LedgerSale): Promise<number> {
  return client.xlen(saleKeys(sale).dead);
}
