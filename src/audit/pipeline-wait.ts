import { readLag, type StreamLag } from "../ledger/outbox/lag.ts";
import { withSession } from "../ledger/session.ts";

const pollMs = 50;

/**
 * Waits until the order workers have stored everything that is in the stream of a sale, for
 * `waitMs` at most, and returns how far behind they are then. Null: no worker has ever read it.
 * Throws `OperationError` where the ledger does not answer.
 */
export function awaitStored(url: string, sale: string, waitMs: number): Promise<StreamLag | null> {
  const endMs = performance.now() + waitMs;
  return withSession(url, async (client) => {
    for (;;) {
      const lag = await readLag(client, sale);
      if (lag?.entries === 0 || performance.now() >= endMs) {
        return lag;
      }
      await Bun.sleep(pollMs);
    }
  });
}
