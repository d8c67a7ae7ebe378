import type { Failure, HoldBatch, HoldReply, Ledger } from "../../ledger/ledger.ts";
import { LocalStock, type StockObservation, type StockView } from "../../sale/local-stock.ts";
import {
  answer,
  outcomeOf,
  type PendingRequest,
  twinOutcomeOf,
  unreadableRecord,
} from "./pending-request.ts";
import { RequestQueue } from "./request-queue.ts";

export interface GroupCommitOptions {
  readonly sale: string;
  readonly ledger: Ledger;
  /** Of this node, for its share of what is left. */
  readonly weight: number;
  /** Names a batch among all of the sale, of all processes that ever ran; never twice the same. */
  readonly makeRef: () => string;
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

interface Batch extends HoldBatch {
  /** Sent again as they are, for as long as one of them has no answer. */
  readonly requests: readonly PendingRequest[];
  /** By place: those with the same token wait for the same answer, each until its own deadline. */
  readonly twins: ReadonlyMap<number, readonly PendingRequest[]>;
  /** It may have been executed: from here on nothing that fails may be called failed. */
  sent: boolean;
  retryAtMs: number;
}

/**
 * Group commit: requests that arrive while a batch is under way form the next one. One batch is
 * under way at a time: with two, batches were smaller, and a sale cost a tenth more CPU.
 * A batch whose reply was lost is sent again, as it was, until each of its requests is
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

  /**
   * Those of many tokens with which a request waits or is under way here. For many at once, since it
   * looks at all that wait.
   */
  pendingAmong(tokens: ReadonlySet<string>): ReadonlySet<string> {
    const found = new Set<string>();
    this.#queue.findAmong(tokens, found);
    for (const { requests } of this.#batches()) {
      for (const { token } of requests) {
        if (tokens.has(token)) {
          found.add(token);
        }
      }
    }
    return found;
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
    for (const batch of this.#batches()) {
      for (const request of everyRequest(batch)) {
        if (request.deadlineMs <= nowMs) {
          // It is under way or was: only the ledger knows.
          answer(request, { kind: "undecided", key: request.key });
        }
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
    for (const request of everyRequest(batch)) {
      if (!request.answered) {
        return true;
      }
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

  /**
   * Takes requests that wait, `batchMax` at most, twins included: so whoever sends one key a
   * thousand times delays the others no longer than with a thousand keys.
   */
  #nextBatch(): Batch | null {
    const { batchMax, makeRef } = this.#options;
    const requests: PendingRequest[] = [];
    const twins = new Map<number, PendingRequest[]>();
    const places = new Map<string, number>();
    const secretId = this.#queue.first?.secretId ?? "";
    for (let taken = 0; taken < batchMax; taken += 1) {
      const { first } = this.#queue;
      // The ledger refuses a batch whose tokens were made with another secret than its sale's.
      if (first === null || first.secretId !== secretId) {
        break;
      }
      // Whoever's key it is: the ledger refuses a whole batch that has a token twice.
      const place = places.get(first.token);
      if (place !== undefined) {
        addTwin(twins, place, first);
      } else if (this.#stock.admit(first.quantity)) {
        places.set(first.token, requests.length);
        requests.push(first);
      } else {
        break;
      }
      this.#queue.shift();
    }
    return requests.length === 0
      ? null
      : { ref: makeRef(), secretId, requests, twins, sent: false, retryAtMs: 0 };
  }

  async #send(batch: Batch): Promise<void> {
    const { ledger, sale, onBatch, onFault } = this.#options;
    this.#underWay = batch;
    onBatch(batch.requests.length);
    const reply = await ledger.hold(sale, batch);
    this.#underWay = null;
    if (reply.kind === "ok") {
      this.#answer(batch, reply.value);
    } else {
      onFault(reply);
      this.#fail(batch, reply);
    }
    this.#sendNext();
  }

  #answer({ requests, twins }: Batch, reply: HoldReply | null): void {
    for (let i = 0; i < requests.length; i += 1) {
      const request = requests[i] as PendingRequest;
      const result = reply?.results[i];
      this.#stock.settle(request.quantity, result?.kind === "sold");
      if (result?.kind === "unreadable") {
        this.#options.onFault({ kind: "refused", reason: unreadableRecord });
      }
      answer(request, outcomeOf(request, reply, result));
    }
    for (const [place, others] of twins) {
      const sent = requests[place] as PendingRequest;
      for (const twin of others) {
        answer(twin, twinOutcomeOf(twin, sent, reply, reply?.results[place]));
      }
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
    }
    for (const request of everyRequest(batch)) {
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

function addTwin(twins: Map<number, PendingRequest[]>, place: number, twin: PendingRequest): void {
  const others = twins.get(place);
  if (others === undefined) {
    twins.set(place, [twin]);
  } else {
    others.push(twin);
  }
}

function* everyRequest({ requests, twins }: Batch): Generator<PendingRequest> {
  yield* requests;
  for (const others of twins.values()) {
    yield* others;
  }
}
