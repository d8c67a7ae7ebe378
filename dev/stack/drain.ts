import { awaitStored } from "../../src/audit/pipeline-wait.ts";
import { SaleOperations } from "../../src/ledger/operations.ts";
import { OperationError } from "../../src/ledger/session.ts";

/** Ten seconds store two hundred thousand orders; what is left then waits in the stream. */
const patienceMs = 10_000;

/**
 * Gives the order worker time to store what the streams of all sales still hold. Returns how many
 * entries were not stored in time; they are not lost, the next start goes on with them.
 */
export async function awaitDrained(redisUrl: string): Promise<number> {
  const endMs = performance.now() + patienceMs;
  const operations = new SaleOperations(redisUrl);
  let behind = 0;
  try {
    for (const { sale } of await operations.list()) {
      const lag = await awaitStored(redisUrl, sale, Math.max(0, endMs - performance.now()));
      behind += lag?.entries ?? 0;
    }
  } catch (error) {
    // A ledger that does not answer has nothing to store now, and must not keep the stack up.
    if (!(error instanceof OperationError)) {
      throw error;
    }
  } finally {
    operations.close();
  }
  return behind;
}
