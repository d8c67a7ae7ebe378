import type { HoldReply, HoldRequest, HoldResult } from "../../ledger/ledger.ts";
import type { Outcome } from "../../sale/outcome.ts";

/** A purchase as it came in. */
export interface Purchase {
  /** The client's Idempotency-Key, or null. */
  readonly key: string | null;
  /** Empty where the request named no buyer. */
  readonly buyer: string;
  readonly quantity: number;
  /** Taken as the key of a request that has none; Nginx makes it, and can tell it to the client. */
  readonly requestId?: string | null;
  /** Until when it is to be answered; without one, from now on as long as any request may take. */
  readonly deadlineMs?: number;
}

/** The same on its way to the ledger. */
export interface PendingRequest extends HoldRequest {
  /** By the clock of the group commit; then it is answered, whatever is known. */
  readonly deadlineMs: number;
  /** The key is the client's own, so it may have been sold before, here or by another node. */
  readonly keyIsClients: boolean;
  /** It has its answer; set by `answer` alone. */
  answered: boolean;
  /** Called once. */
  readonly settle: (outcome: Outcome) => void;
}

/**
 * Gives a request its answer, unless it has one: at its deadline it gets one while it is under way.
 */
export function answer(request: PendingRequest, outcome: Outcome): void {
  if (!request.answered) {
    request.answered = true;
    request.settle(outcome);
  }
}

/**
 * What the ledger's reply to a batch means for one request of it; `null`: there is no such sale.
 */
export function outcomeOf(
  request: PendingRequest,
  reply: HoldReply | null,
  result: HoldResult | undefined,
): Outcome {
  if (reply === null || result === undefined) {
    return { kind: "unknownSale" };
  }
  if (result.kind !== "sold") {
    return refusal(result, reply);
  }
  return reply.durable ? result : { kind: "undecided", key: request.key };
}

type Refused = Exclude<HoldResult, { kind: "sold" }>;

/** A refusal with what the same reply reports of the sale. */
function refusal(result: Refused, reply: HoldReply): Outcome {
  switch (result.kind) {
    case "soldOut":
    case "buyerMissing":
      return result;
    case "fewerLeft":
      return { kind: "fewerLeft", left: reply.left };
    case "limitReached":
      return { kind: "limitReached", limit: reply.limit };
    case "notOnSale":
      return { kind: "notOnSale", state: reply.state, opensAtMs: reply.opensAtMs };
  }
}
