import type { Failure, HoldReply, Ledger } from "../../ledger/ledger.ts";
import { LocalStock, type StockObservation, type StockView } from "../../sale/local-stock.ts";
import { answer, outcomeOf, type PendingRequest } from "./pending-request.ts";
import { RequestQueue } from "./request-queue.ts";

export interface GroupCommitOptions {
  readonly sale: string;
  readonly ledger: Ledger;
  /** Of this node, for its share of what is left. */
  readonly weight: number;
  /** Tickets that this node may ask for beyond its share. */
  readonly buffer: number;
  /** Requests in one script, 1 to 1000. */
  readonly batchMax: number;
  /** Requests that wait; beyond that: busy. */
  readonly queueMax: number;
  readonly nowMs: () => number;
  /** Asks for the sale now, which all who wait share; its observation comes by `observe`. */
  readonly refresh: () => void;
  /** A reply reported that nothing is left: those who wait need not wait any longer. */
  readonly onSoldOut: () => void;
  readonly onBatch: (size: number) => void;
  readonly onFault: (failure: Failure) => void;
}

/**
 * Before a batch whose outcome is unknown is sent again on the same connection, in milliseconds.
 */
const retryPauseMs = 50;

interface Batch {
  /** Sent again as they are, with the same keys, for as long as one of them has no answer. */
  readonly requests: readonly PendingRequest[];
  /** It may have been executed: from here on nothing that fails may be called failed. */
  sent: boolean;
  retryAtMs: number;
}

/**
 * Group commit: requests that arrive while a batch is under way form the next one. One batch is
 * under way at a time: with two, batches were smaller, and a sale cost a tenth more CPU.
 * A batch whose reply was lost is sent again, the same keys, until each of its requests is
 * answered by the ledger or has reached its deadline; the script makes the repetition harmless.
 *
 * It is the one writer of the local stock: all that is learnt of what is left comes by `observe`.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #stock: LocalStock;
  readonly #queue = new RequestQueue();
  #underWay: Batch | null = null;
  /** Outcome unknown; to be sent again after a pause, in which others are. */
  #unknown: Batch[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#stock = new LocalStock(options.weight, options.buffer);
  }

  /** The local stock, to be read. */
  get stock(): StockView {
    return this.#stock;
  }

  /** Requests that wait for their batch. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.queued === 0 && this.#underWay === null && this.#unknown.length === 0;
  }

  /**
   * Takes a request; false if the queue is full. Its `settle` is never called before this returns.
   */
  submit(request: PendingRequest): boolean {
    if (this.queued >= this.#options.queueMax) {
      return false;
    }
    this.#queue.push(request);
    if (this.queued === 1) {
      // The rest of this turn's requests join the same batch.
      setImmediate(() => this.#sendNext());
    }
    return true;
  }

  /** Whether a request with this key waits or is under way here. */
  has(key: string): boolean {
    return (
      this.#queue.has(key) ||
      this.#batches().some(({ requests }) => requests.some((request) => request.key === key))
    );
  }

  /** Takes out all that wait: the sale is sold out, or missing. */
  takeQueue(): PendingRequest[] {
    return this.#queue.takeAll();
  }

  /** A reply of the ledger reported what is left. */
  observe(seen: StockObservation): void {
    this.#learn(seen);
    this.#sendNext();
  }

  /** A heartbeat reported the total weight of the nodes that live. */
  observeLivingWeight(livingWeight: number): void {
    this.#stock.observeLivingWeight(livingWeight);
  }

  /** What was observed no longer counts: the connection is lost, or the sale is missing. */
  forget(): void {
    this.#stock.forget();
  }

  /** The connection is back: what is unknown need not wait. */
  resume(): void {
    for (const batch of this.#unknown) {
      batch.retryAtMs = 0;
    }
    this.#sendNext();
  }

  /**
   * Answers what has reached its deadline, and sends what has paused for long enough. To be called
   * often compared with both.
   */
  tick(): void {
    const nowMs = this.#options.nowMs();
    for (let first = this.#queue.first; first !== null; first = this.#queue.first) {
      if (first.deadlineMs > nowMs) {
        break;
      }
      this.#queue.shift();
      answer(first, { kind: "busy", reason: "notSentInTime" });
    }
    for (const { requests } of this.#batches()) {
      for (const request of requests.filter(({ deadlineMs }) => deadlineMs <= nowMs)) {
        // It is under way or was: only the ledger knows.
        answer(request, { kind: "undecided", key: request.key });
      }
    }
    this.#unknown = this.#unknown.filter((batch) => this.#isAwaited(batch));
    this.#sendNext();
  }

  /** Sends what may be sent. Called when anything changed; does nothing when nothing may. */
  #sendNext(): void {
    const { ledger, refresh } = this.#options;
    if (!ledger.ready || this.#underWay !== null) {
      return;
    }
    const batch = this.#nextUnknown() ?? this.#nextBatch();
    if (batch !== null) {
      void this.#send(batch);
    } else if (this.queued > 0 && this.#stock.exhausted) {
      refresh();
    }
  }

  #batches(): Batch[] {
    return this.#underWay === null ? this.#unknown : [this.#underWay, ...this.#unknown];
  }

  /** False if nobody waits for it any more; then its tickets are given back. */
  #isAwaited(batch: Batch): boolean {
    if (batch.requests.some((request) => !request.answered)) {
      return true;
    }
    for (const request of batch.requests) {
      this.#stock.settle(request.quantity, false);
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
    const requests: PendingRequest[] = [];
    while (requests.length < this.#options.batchMax) {
      const { first } = this.#queue;
      if (first === null || !this.#stock.admit(first.quantity)) {
        break;
      }
      this.#queue.shift();
      requests.push(first);
    }
    return requests.length === 0 ? null : { requests, sent: false, retryAtMs: 0 };
  }

  async #send(batch: Batch): Promise<void> {
    const { ledger, sale, onBatch, onFault } = this.#options;
    this.#underWay = batch;
    onBatch(batch.requests.length);
    const reply = await ledger.hold(sale, batch.requests);
    this.#underWay = null;
    if (reply.kind === "ok") {
      this.#answer(batch, reply.value);
    } else {
      onFault(reply);
      this.#fail(batch, reply);
    }
    this.#sendNext();
  }

  #answer({ requests }: Batch, reply: HoldReply | null): void {
    for (let i = 0; i < requests.length; i += 1) {
      const request = requests[i] as PendingRequest;
      const result = reply?.results[i];
      this.#stock.settle(request.quantity, result?.kind === "sold");
      answer(request, outcomeOf(request, reply, result));
    }
    if (reply !== null) {
      this.#learn(reply);
    }
  }

  #fail(batch: Batch, failure: Failure): void {
    if (batch.sent || failure.kind === "unknown") {
      batch.sent = true;
      batch.retryAtMs = this.#options.nowMs() + retryPauseMs;
      if (this.#isAwaited(batch)) {
        this.#unknown.push(batch);
      }
      return;
    }
    const reason = failure.kind === "refused" ? "ledgerRefused" : "ledgerAway";
    for (const request of batch.requests) {
      this.#stock.settle(request.quantity, false);
      answer(request, { kind: "busy", reason });
    }
  }

  #learn(seen: StockObservation): void {
    this.#stock.observe(seen);
    if (this.#stock.latched) {
      this.#options.onSoldOut();
    }
  }
}
