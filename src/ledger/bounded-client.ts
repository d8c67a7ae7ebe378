import { Redis } from "ioredis";

import { reasonOf } from "../process/errors.ts";
import { redactAddress } from "../process/redact.ts";
import { oneConnectionOptions } from "./connect.ts";
import { OperationError } from "./operations.ts";

/**
 * Looks at a ledger on a connection that lives for as long as `work`. Every command is bounded in
 * time. Throws `OperationError` where the ledger does not answer.
 */
export async function withAuditClient<T>(
  url: string,
  work: (client: Redis) => Promise<T>,
): Promise<T> {
  const client = new Redis(url, {
    ...oneConnectionOptions,
    connectionName: "sluice-audit",
    connectTimeout: 2_000,
    commandTimeout: 10_000,
    maxLoadingRetryTime: 2_000,
  });
  let fault: Error | null = null;
  client.on("error", (error) => {
    fault = error;
  });
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    if (error instanceof OperationError) {
      throw error;
    }
    const reason = reasonOf(fault ?? error);
    throw new OperationError(`the ledger at ${redactAddress(url)} could not be read: ${reason}`);
  } finally {
    client.disconnect();
  }
}
