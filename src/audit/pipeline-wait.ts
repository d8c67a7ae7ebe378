import { withAuditClient } from "../ledger/bounded-client.ts";
import { readLag, type StreamLag } from "../ledger/outbox/lag.ts";

const pollMs = 50;

/**
 * Waits until the order workers have stored everything that the stream of a sale tells, for
 * `waitMs` at most, and returns how far behind they are then. Null: no worker has ever read it.
 * Throws `OperationError` where the ledger does not answer.
 */
export function awaitStored(url: string, sale: string, waitMs: number): Promise<StreamLag | null> {
  const endMs = performance.now() + waitMs;
  return withAuditClient(url, async (client) => {
    for (;;) {
      const lag = await readLag(client, sale);
      if (lag?.entries === 0 || performance.now() >= endMs) {
        return lag;
      }
      await Bun.sleep(pollMs);
    }
  });
}
