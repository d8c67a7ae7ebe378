import { reasonOf } from "../process/errors.ts";
import type { Failure } from "./ledger.ts";

/**
 * The ledger did not answer, or refused. The message is the reason, as Redis or its client gave it.
 * Whatever was asked may be asked again: every script is idempotent.
 */
export class LedgerUnavailable extends Error {
  override name = "LedgerUnavailable";
  readonly kind: Failure["kind"];

  constructor(kind: Failure["kind"], reason: string, cause?: unknown) {
    super(reason, { cause });
    this.kind = kind;
  }
}

/** Errors that Redis gives before a script has written anything. All others leave it unknown. */
const refusals =
  /^(NOSCRIPT|OOM|READONLY|MISCONF|LOADING|BUSY|NOAUTH|NOPERM|WRONGPASS|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|NOREPLICAS|BADARG)\b/;

/** What ioredis reports when the socket was already closing, so that nothing was written to it. */
const notWritten = "Stream isn't writeable";

/** What a command was rejected with, in the ledger's words. */
export function unavailable(error: unknown): LedgerUnavailable {
  const reason = reasonOf(error);
  if (reason.startsWith(notWritten)) {
    return new LedgerUnavailable("notSent", reason, error);
  }
  return new LedgerUnavailable(refusals.test(reason) ? "refused" : "unknown", reason, error);
}
