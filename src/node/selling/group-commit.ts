import type { Failure, HoldReply, HoldRequest, HoldResult, Ledger } from "../../ledger/ledger.ts";
import type { LocalStock } from "../../sale/local-stock.ts";
import type { Outcome } from "../../sale/outcome.ts";

/** A purchase request on its way to the ledger. */
export interface PendingRequest extends HoldRequest {
  /** By the clock of the group commit; then it is answered, whatever is known. */
  readonly deadlineMs: number;
  /** The key is the client's own, so it may have been sold before, here or by another node. */
  readonly keyIsClients: boolean;
  /** It has its answer; set by the group commit. */
  answered: boolean;
  /** Called once. */
  readonly settle: (outcome: Outcome) => void;
}

export interface GroupCommitOptions {
  readonly sale: string;
  readonly ledger: Ledger;
  readonly stock: LocalStock;
  /** Requests in one script, 1 to 1000. */
  readonly batchMax: number;
  /** Batches under way at a time. More than one keeps ledger and node busy at once. */
  readonly batchesInFlightMax: number;
  /** Requests that wait; beyond that: busy. */
  readonly queueMax: number;
  /** Pause before a batch whose outcome is unknown is sent again on the same connection. */
  readonly retryPauseMs: number;
  readonly nowMs: () => number;
  /** The shared refresh: asks for a heartbeat now; its observation comes by `LocalStock`. */
  readonly refresh: () => void;
  /** A reply told that nothing is left: those who wait need not wait any longer. */
  readonly onSoldOut: () => void;
  readonly onBatch: (size: number) => void;
  readonly onFault: (failure: Failure) => void;
}

interface Batch {
  /** Sent again as they are, with the same keys, for as long as one of them has no answer. */
  readonly requests: readonly PendingRequest[];
  /** It may have been executed: from here on nothing that fails may be called failed. */
  sent: boolean;
  retryAtMs: number;
}

/**
 * Group commit: requests that arrive while a batch is under way form the next one.
 * A batch whose reply was lost is sent again, the same keys, until each of its requests is
 * answered by the ledger or has reached its deadline; the script makes the repetition harmless.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** Waiting, in order of arrival; `#head` is the index of the first. */
  #queue: (PendingRequest | null)[] = [];
  #head = 0;
  readonly #inFlight = new Set<Batch>();
  /** Unknown outcome, to be sent again before anything new. */
  #unknown: Batch[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Requests that wait for their batch. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.queued === 0 && this.#inFlight.size === 0 && this.#unknown.length === 0;
  }

  /** Takes a request; false if the queue is full. Its `settle` is never called before this returns. */
  submit(request: PendingRequest): boolean {
    if (this.queued >= this.#options.queueMax) {
      return false;
    }
    this.#queue.push(request);
    if (this.#queue.length - this.#head === 1) {
      // The rest of this turn's requests join the same batch.
      setImmediate(() => this.pump());
    }
    return true;
  }

  /** Whether a request with this key waits or is under way here. */
  has(key: string): boolean {
    const same = (request: PendingRequest | null) => request !== null && request.key === key;
    return (
      this.#queue.some(same) ||
      [...this.#inFlight, ...this.#unknown].some((batch) => batch.requests.some(same))
    );
  }

  /** Takes out all that wait: the sale is sold out, or unknown. */
  takeQueue(): PendingRequest[] {
    const waiting = this.#queue.slice(this.#head).filter((request) => request !== null);
    this.#queue = [];
    this.#head = 0;
    return waiting;
  }

  /** Sends what may be sent. Called when anything changed; does nothing when nothing may. */
  pump(): void {
    const { ledger, stock, batchesInFlightMax } = this.#options;
    while (ledger.ready && this.#inFlight.size < batchesInFlightMax) {
      const batch = this.#nextUnknown() ?? this.#nextBatch();
      if (batch === null) {
        break;
      }
      void this.#send(batch);
    }
    if (ledger.ready && this.queued > 0 && stock.exhausted && this.#inFlight.size === 0) {
      this.#options.refresh();
    }
  }

  /** Answers what has reached its deadline. To be called often compared with the deadline. */
  expire(): void {
    const now = this.#options.nowMs();
    while (this.#head < this.#queue.length) {
      const request = this.#queue[this.#head];
      if (request && request.deadlineMs > now) {
        break;
      }
      this.#advance();
      if (request) {
        answer(request, { kind: "busy", reason: "notSentInTime" });
      }
    }
    for (const batch of [...this.#inFlight, ...this.#unknown]) {
      this.#expireBatch(batch, now);
    }
    this.#unknown = this.#unknown.filter((batch) => this.#alive(batch));
  }

  #expireBatch(batch: Batch, now: number): void {
    for (const request of batch.requests) {
      if (!request.answered && request.deadlineMs <= now) {
        // It is under way or was: only the ledger knows.
        answer(request, { kind: "undecided", key: request.key });
      }
    }
  }

  /** False if nobody waits for it any more; then its tickets are given back. */
  #alive(batch: Batch): boolean {
    if (batch.requests.some((request) => !request.answered)) {
      return true;
    }
    for (const request of batch.requests) {
      this.#options.stock.settle(request.quantity, false);
    }
    return false;
  }

  #nextUnknown(): Batch | null {
    const next = this.#unknown[0];
    if (next === undefined || next.retryAtMs > this.#options.nowMs()) {
      return null;
    }
    this.#unknown.shift();
    return next;
  }

  #nextBatch(): Batch | null {
    const { stock, batchMax } = this.#options;
    const requests: PendingRequest[] = [];
    while (this.#head < this.#queue.length && requests.length < batchMax) {
      const request = this.#queue[this.#head];
      if (request && !stock.admit(request.quantity)) {
        break;
      }
      this.#advance();
      if (request) {
        requests.push(request);
      }
    }
    return requests.length === 0 ? null : { requests, sent: false, retryAtMs: 0 };
  }

  #advance(): void {
    this.#queue[this.#head] = null;
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= 4_096) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  async #send(batch: Batch): Promise<void> {
    const { ledger, sale, onBatch, onFault } = this.#options;
    this.#inFlight.add(batch);
    onBatch(batch.requests.length);
    const reply = await ledger.hold(sale, batch.requests);
    this.#inFlight.delete(batch);
    if (reply.kind === "ok") {
      this.#answer(batch, reply.value);
    } else {
      onFault(reply);
      this.#fail(batch, reply);
    }
    this.pump();
  }

  #answer(batch: Batch, reply: HoldReply | null): void {
    const { stock, onSoldOut } = this.#options;
    const { requests } = batch;
    for (let i = 0; i < requests.length; i += 1) {
      const request = requests[i] as PendingRequest;
      const result = reply?.results[i];
      stock.settle(request.quantity, result?.kind === "sold");
      if (!request.answered) {
        answer(request, outcomeOf(request, reply, result));
      }
    }
    if (reply !== null) {
      stock.observe(reply);
      if (stock.latched) {
        onSoldOut();
      }
    }
  }

  #fail(batch: Batch, failure: Failure): void {
    const { stock, nowMs, retryPauseMs } = this.#options;
    if (batch.sent || failure.kind === "unknown") {
      batch.sent = true;
      batch.retryAtMs = nowMs() + retryPauseMs;
      if (this.#alive(batch)) {
        this.#unknown.push(batch);
      }
      return;
    }
    const reason = failure.kind === "refused" ? "ledgerRefused" : "ledgerAway";
    for (const request of batch.requests) {
      stock.settle(request.quantity, false);
      if (!request.answered) {
        answer(request, { kind: "busy", reason });
      }
    }
  }

  /** The connection is back: what is unknown need not wait. */
  resume(): void {
    for (const batch of this.#unknown) {
      batch.retryAtMs = 0;
    }
    this.pump();
  }
}

function answer(request: PendingRequest, outcome: Outcome): void {
  request.answered = true;
  request.settle(outcome);
}

function outcomeOf(
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

/** A refusal with what the same reply says of the sale. */
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
