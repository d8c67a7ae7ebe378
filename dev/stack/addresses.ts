import type { DefaultAddresses } from "../../src/operator/config.ts";
import { readStateDir } from "../host/environment.ts";
import { stackDefaults } from "./options.ts";
import { readRecord } from "./record.ts";
import { redisUrl } from "./redis.ts";
import { readStack } from "./stack.ts";
import { databaseUrl } from "./worker.ts";

/** What the operators' commands work on in a checkout: the embedded stack, unless told otherwise. */
export const stackAddresses: DefaultAddresses = {
  ledger: () => readStack(readStateDir())?.redisUrl ?? redisUrl(stackDefaults.redisPort),
  database: (ledger) => {
    const stateDir = readStateDir();
    if (ledger === null) {
      // The stack's that runs, or ran last.
      return databaseUrl(readRecord(stateDir)?.options ?? { database: null, stateDir });
    }
    const stack = readStack(stateDir);
    return stack?.redisUrl === ledger ? stack.databaseUrl : null;
  },
};
