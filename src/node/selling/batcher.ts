import type { Reply } from "../../ledger/ledger.ts";

/** What became of a question. `undecided`: it may have been done; `away`: it was not. */
export type BatcherAnswer<Answer> =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "undecided" }
  | { readonly kind: "away" }
  | { readonly kind: "full" };

export interface BatcherOptions<Question, Answer> {
  /** Sends a batch; one answer a question. What it does must be harmless to repeat. */
  readonly send: (questions: readonly Question[]) => Promise<Reply<readonly Answer[]>>;
  /** Questions in one call, 1 to 1000. */
  readonly batchMax: number;
  /** Questions that wait; beyond that: full. */
  readonly queueMax: number;
  /** For how long a batch without an answer is sent again, in milliseconds; 0: not at all. */
  readonly repeatForMs: number;
  readonly nowMs: () => number;
  readonly onFault: (reason: string) => void;
}

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly sinceMs: number;
  readonly settle: (answer: BatcherAnswer<Answer>) => void;
}

/** Before a batch is sent again. */
const repeatPauseMs = 50;

/**
 * Questions to the ledger, in batches, one under way at a time. Those that come meanwhile form the
 * next one. Purchases have a group commit of their own, which knows of stock and deadlines.
 */
export class Batcher<Question, Answer> {
  readonly #options: BatcherOptions<Question, Answer>;
  #waiting: Waiting<Question, Answer>[] = [];
  #running = false;

  constructor(options: BatcherOptions<Question, Answer>) {
    this.#options = options;
  }

  /**
   * Settles within the ledger's time limit for each batch ahead, and `repeatForMs`; never rejects.
   */
  ask(question: Question): Promise<BatcherAnswer<Answer>> {
    if (this.#waiting.length >= this.#options.queueMax) {
      return Promise.resolve({ kind: "full" });
    }
    return new Promise((settle) => {
      this.#waiting.push({ question, sinceMs: this.#options.nowMs(), settle });
      if (!this.#running) {
        this.#running = true;
        // The rest of this turn's questions join the same batch.
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
    const { send, repeatForMs, nowMs, onFault } = this.#options;
    const questions = batch.map(({ question }) => question);
    const endMs = (batch[0]?.sinceMs ?? nowMs()) + repeatForMs - repeatPauseMs;
    let sent = false;
    for (;;) {
      const reply = await send(questions);
      if (reply.kind === "ok") {
        settleAll(batch, reply.value);
        return;
      }
      onFault(`${reply.kind}: ${reply.reason}`);
      sent ||= reply.kind === "unknown";
      if ((!sent && reply.kind === "refused") || nowMs() >= endMs) {
        for (const { settle } of batch) {
          settle({ kind: sent ? "undecided" : "away" });
        }
        return;
      }
      await Bun.sleep(repeatPauseMs);
    }
  }
}

function settleAll<Question, Answer>(
  batch: readonly Waiting<Question, Answer>[],
  answers: readonly Answer[],
): void {
  if (answers.length !== batch.length) {
    throw new Error(`${batch.length} questions, but ${answers.length} answers`);
  }
  for (const [i, { settle }] of batch.entries()) {
    settle({ kind: "answer", answer: answers[i] as Answer });
  }
}
