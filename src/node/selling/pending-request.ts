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
  /** The client's, or one that was made up for it; where to ask what became of the request. */
  readonly key: string;
  /** Of the secret that its token was made with: what is sent with it names no other one. */
  readonly secretId: string;
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
  if (result.kind === "unreadable") {
    return { kind: "undecided", key: request.key };
  }
  if (result.kind !== "sold") {
    return refusal(result, reply);
  }
  return reply.durable ? result : { kind: "undecided", key: request.key };
}

/**
 * What the ledger's reply to another request with the same token means for this one, which was
 * never sent itself. "Not so many" is true of whoever asks for as many or more; for fewer nothing
 * was decided.
 */
export function twinOutcomeOf(
  twin: PendingRequest,
  sent: PendingRequest,
  reply: HoldReply | null,
  result: HoldResult | undefined,
): Outcome {
  const tooMany = result?.kind === "fewerLeft" || result?.kind === "limitReached";
  return tooMany && twin.quantity < sent.quantity
    ? { kind: "busy", reason: "notSentInTime" }
    : outcomeOf(twin, reply, result);
}

/** For the log: one order is damaged, and whoever asks for it is told that nobody knows. */
export const unreadableRecord =
  'an order\'s record cannot be read; "sluice audit" names what is damaged';

type Refused = Exclude<HoldResult, { kind: "sold" | "unreadable" }>;

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
