import { CommandError } from "../../src/operator/command.ts";
import { type DatabaseAddress, parseDatabaseUrl } from "../../src/orders/database-address.ts";
import type { Stack } from "./stack.ts";

/**
 * The orders database that was named, or the embedded stack's where its ledger is the one that is
 * looked at. Null: nobody knows of one. Throws `CommandError` for an address that is none.
 */
export function findDatabase(
  named: string | undefined,
  redisUrl: string,
  stack: Stack | null,
): DatabaseAddress | null {
  const own = stack?.redisUrl === redisUrl ? stack.databaseUrl : undefined;
  const url = named ?? own;
  if (url === undefined) {
    return null;
  }
  const address = parseDatabaseUrl(url);
  if (typeof address === "string") {
    throw new CommandError(`--database: ${address}`);
  }
  return address;
}
