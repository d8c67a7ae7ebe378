import type { Redis } from "ioredis";

import { formatKey, ledgerFormat, salesKey } from "./keys.ts";

/** What to do about a ledger of another form. */
export const wrongFormat =
  `the ledger is of another form than ${ledgerFormat}, the one that this release knows; ` +
  "run the release that made it, or begin with an empty Redis";

/**
 * Asks a ledger that has just been connected to what form its data is of. Null: of ours, or it has
 * none yet; else why it must not be touched. Rejects where it does not answer.
 */
export async function formatFault(client: Redis): Promise<string | null> {
  const form = await client.get(formatKey);
  if (form === null) {
    // Before forms had a number nothing but the sales said that this is a ledger.
    return (await client.exists(salesKey)) === 0 ? null : wrongFormat;
  }
  return form === ledgerFormat ? null : wrongFormat;
}
