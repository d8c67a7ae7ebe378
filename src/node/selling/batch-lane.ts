import type { Reply } from "../../ledger/ledger.ts";

/** What became of a question. `undecided`: it may have been done; `away`: it was not. */
export type LaneAnswer<Answer> =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "undecided" }
  | { readonly kind: "away" }
  | { readonly kind: "full" };

export interface BatchLaneOptions<Question, Answer> {
  /** Sends a batch; one answer a question. What it does must be harmless to repeat. */
  readonly send: (questions: readonly Question[]) => Promise<Reply<readonly Answer[]>>;
  readonly batchMax: number;
  /** Questions that wait; beyond that: full. */
  readonly queueMax: number;
  /** For how long a batch without an answer is sent again, in milliseconds; 0: not at all. */
  readonly deadlineMs: number;
  readonly retryPauseMs: number;
  readonly nowMs: () => number;
  readonly onFault: (reason: string) => void;
}

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly sinceMs: number;
  readonly settle: (answer: LaneAnswer<Answer>) => void;
}

/** Questions to the ledger, in batches, one under way at a time; repeated until answered. */
export class BatchLane<Question, Answer> {
  readonly #options: BatchLaneOptions<Question, Answer>;
  #waiting: Waiting<Question, Answer>[] = [];
  #running = false;

  constructor(options: BatchLaneOptions<Question, Answer>) {
    this.#options = options;
  }

  /** Settles around the deadline at the latest; never rejects. */
  ask(question: Question): Promise<LaneAnswer<Answer>> {
    if (this.#waiting.length >= this.#options.queueMax) {
      return Promise.resolve({ kind: "full" });
    }
    return new Promise((settle) => {
      this.#waiting.push({ question, sinceMs: this.#options.nowMs(), settle });
      if (!this.#running) {
        this.#running = true;
        setImmediate(() => void this.#run());
      }
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#runBatch(this.#waiting.splice(0, this.#options.batchMax));
    }
    this.#running = false;
  }

  async #runBatch(batch: readonly Waiting<Question, Answer>[]): Promise<void> {
    const { send, deadlineMs, retryPauseMs, nowMs, onFault } = this.#options;
    const oldestMs = batch[0]?.sinceMs ?? nowMs();
    let sent = false;
    for (;;) {
      const reply = await send(batch.map(({ question }) => question));
      if (reply.kind === "ok") {
        if (reply.value.length !== batch.length) {
          throw new Error(`${batch.length} questions, but ${reply.value.length} answers`);
        }
        for (const [i, { settle }] of batch.entries()) {
          settle({ kind: "answer", answer: reply.value[i] as Answer });
        }
        return;
      }
      onFault(`${reply.kind}: ${reply.reason}`);
      sent ||= reply.kind === "unknown";
      if ((!sent && reply.kind === "refused") || nowMs() - oldestMs + retryPauseMs >= deadlineMs) {
        for (const { settle } of batch) {
          settle({ kind: sent ? "undecided" : "away" });
        }
        return;
      }
      await Bun.sleep(retryPauseMs);
    }
  }
}
