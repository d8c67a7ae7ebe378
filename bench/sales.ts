import { SaleOperations } from "../src/ledger/operations.ts";

/** Far beyond the length of a benchmark, so that no hold lapses in it. */
const longHoldMs = 86_400_000;

const patienceMs = 10_000;

/** Creates a sale and opens it; returns when the nodes, if any, know that it is open. */
export async function openSale(
  redisUrl: string,
  sale: string,
  total: number,
  nodeUrls: readonly string[] = [],
  { holdMs = longHoldMs, limit = 0 }: { readonly holdMs?: number; readonly limit?: number } = {},
): Promise<void> {
  const operations = new SaleOperations(redisUrl);
  try {
    await operations.create({ sale, total, limit, holdMs, opensAtMs: 0 });
    await operations.setState(sale, "open");
  } finally {
    operations.close();
  }
  for (const url of nodeUrls) {
    await untilOnSale(`${url}/sales/${sale}`);
  }
}

/** A node that did not know the sale learns of it with its next heartbeat. */
async function untilOnSale(url: string): Promise<void> {
  const lastMs = performance.now() + patienceMs;
  for (;;) {
    const answer = await fetch(url);
    const text = await answer.text();
    if (answer.ok && /"state":"open"/.test(text)) {
      return;
    }
    if (performance.now() > lastMs) {
      throw new Error(`${url} did not say within ${patienceMs} ms that the sale is open: ${text}`);
    }
    await Bun.sleep(20);
  }
}
