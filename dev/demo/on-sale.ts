import { CommandError } from "../../src/operator/command.ts";
import { waitUntil } from "../host/wait.ts";
import type { NodeAddress } from "../load/node-counts.ts";

const patienceMs = 10_000;
const pollMs = 20;
const readTimeoutMs = 1_000;

/**
 * Waits until every node knows that the sale is open. A node learns of a new sale with its next
 * heartbeat; until then it would answer the first buyers that there is no such sale.
 */
export async function awaitOnSale(nodes: readonly NodeAddress[], sale: string): Promise<void> {
  let late = nodes;
  await waitUntil(patienceMs, pollMs, async () => {
    const answers = await Promise.all(
      late.map(async (node) => ({ node, open: await isOnSale(`${node.url}/sales/${sale}`) })),
    );
    late = answers.filter(({ open }) => !open).map(({ node }) => node);
    return late.length === 0;
  });
  if (late.length > 0) {
    const names = late.map(({ name }) => name).join(", ");
    throw new CommandError(`${names} did not open sale ${sale} within ${patienceMs / 1_000} s`);
  }
}

async function isOnSale(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(readTimeoutMs) });
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null && "state" in body && body.state === "open";
  } catch {
    // Not yet, or not in time: the caller asks again until its deadline.
    return false;
  }
}
