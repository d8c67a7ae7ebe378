import { type DefaultAddresses, toDatabase } from "../../src/operator/config.ts";
import type { DatabaseAddress } from "../../src/orders/database-address.ts";
import { readStateDir } from "../host/environment.ts";
import { stackDefaults } from "./options.ts";
import { readRecord } from "./record.ts";
import { redisUrl } from "./redis.ts";
import { readStack, type Stack } from "./stack.ts";
import { databaseUrl } from "./worker.ts";

/** What the operators' commands work on in a checkout, unless they are given another: the stack. */
export const stackAddresses: DefaultAddresses = {
  ledger: () => readStack(readStateDir())?.redisUrl ?? redisUrl(stackDefaults.redisPort),
  database: (ledger) => {
    const stateDir = readStateDir();
    return ledger === null
      ? // The stack's that runs, or ran last.
        databaseUrl(readRecord(stateDir)?.options ?? { database: null, stateDir })
      : databaseUrlOf(ledger, readStack(stateDir));
  },
};

/** The database with the orders of a ledger, where that is the stack's own; else nobody knows it. */
export function findDatabase(ledger: string, stack: Stack | null): DatabaseAddress | null {
  const url = databaseUrlOf(ledger, stack);
  return url === null ? null : toDatabase(url);
}

function databaseUrlOf(ledger: string, stack: Stack | null): string | null {
  return stack?.redisUrl === ledger ? stack.databaseUrl : null;
}
