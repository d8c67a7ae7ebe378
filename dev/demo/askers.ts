import { answerKind, noOutcomes, type Outcomes } from "../load/outcomes.ts";

/** Requests under way at a time: a trickle, beside the crowd. */
const concurrency = 8;
/** After an answer that was not "sold": tickets come back when holds lapse, not at once. */
const pauseMs = 100;
const answerTimeoutMs = 5_000;

/** Those who keep asking when the crowd has gone: they buy what comes back. */
export class Askers {
  readonly #url: string;
  readonly #outcomes: Record<keyof Outcomes, number> = { ...noOutcomes };
  readonly #soldOrders = new Set<string>();
  readonly #done: Promise<unknown>;
  #stopped = false;

  /** Begins to ask; `url` is what a purchase is POSTed to. */
  constructor(url: string) {
    this.#url = url;
    this.#done = Promise.all(Array.from({ length: concurrency }, () => this.#ask()));
  }

  get outcomes(): Outcomes {
    return { ...this.#outcomes };
  }

  /** Orders that they were told of. */
  get soldOrders(): ReadonlySet<string> {
    return this.#soldOrders;
  }

  /** Ends when the requests under way are answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #ask(): Promise<void> {
    while (!this.#stopped) {
      const kind = await this.#buy();
      this.#outcomes[kind] += 1;
      if (kind !== "sold") {
        await Bun.sleep(pauseMs);
      }
    }
  }

  async #buy(): Promise<keyof Outcomes> {
    try {
      const signal = AbortSignal.timeout(answerTimeoutMs);
      const response = await fetch(this.#url, { method: "POST", signal });
      const body = await response.text();
      const order = /"order":"([^"]+)"/.exec(body)?.[1];
      if (response.status === 201 && order !== undefined) {
        this.#soldOrders.add(order);
      }
      return answerKind(response.status);
    } catch {
      return "failed";
    }
  }
}
