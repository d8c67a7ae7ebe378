import { SaleOperations } from "../src/ledger/operations.ts";

/** Far beyond the length of a benchmark, so that no hold lapses in it. */
const holdMs = 86_400_000;

/** Creates a sale and opens it. */
export async function openSale(redisUrl: string, sale: string, total: number): Promise<void> {
  const operations = new SaleOperations(redisUrl);
  try {
    await operations.create({ sale, total, limit: 0, holdMs, opensAtMs: 0 });
    await operations.setState(sale, "open");
  } finally {
    operations.close();
  }
}
