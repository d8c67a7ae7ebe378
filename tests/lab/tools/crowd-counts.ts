import { percentile } from "../../../dev/load/crowd.ts";
import { answerKind } from "../../../dev/load/outcomes.ts";
import type { HttpAnswer } from "./http-answer.ts";
import type { NoAnswer } from "./http-connection.ts";
import { longestGap } from "./longest-gap.ts";

/**
 * What became of one request that was sent once. "lost": it was handed to the network and no
 * answer came; "unsent": there was no connection to send it on.
 */
export type AttemptOutcome = ReturnType<typeof answerKind> | "lost" | "unsent";

/** A request that was neither sold nor told that there is nothing left. */
interface Incident {
  readonly key: string;
  readonly outcome: AttemptOutcome;
  readonly reason: string;
  readonly sentMs: number;
  readonly endedMs: number;
}

/** So many are told one by one; beyond that they are only counted. */
const incidentsMax = 2_000;

/** What a crowd sent and was told. */
export class CrowdCounts {
  readonly #outcomes: Partial<Record<AttemptOutcome, number>> = {};
  readonly #perNode: Record<string, number> = {};
  readonly #incidents: Incident[] = [];
  readonly #answersMs: number[] = [];
  readonly #latenciesMs: number[] = [];
  /** The keys that were told of an order. */
  readonly #orders = new Map<string, Set<string>>();
  readonly #found = { sold: 0, absent: 0 };
  #soldOutKeys = 0;
  #neverDecided = 0;
  #keys = 0;

  /** One request was sent and answered. */
  answered(key: string, answer: HttpAnswer, sentMs: number, endedMs: number): AttemptOutcome {
    const outcome = answerKind(answer.status);
    this.#answersMs.push(endedMs);
    this.#latenciesMs.push(endedMs - sentMs);
    const node = answer.headers.get("x-sluice-node") ?? "none";
    this.#perNode[node] = (this.#perNode[node] ?? 0) + 1;
    const reason = `${answer.status} ${answer.body.slice(0, 120)}`;
    this.#count({ key, outcome, reason, sentMs, endedMs });
    return outcome;
  }

  /** One request was sent, or could not be, and there is no answer. */
  unanswered(key: string, error: NoAnswer, sentMs: number, endedMs: number): AttemptOutcome {
    const outcome = error.sent ? "lost" : "unsent";
    this.#count({ key, outcome, reason: error.message, sentMs, endedMs });
    return outcome;
  }

  /** A lost or undecided request was asked for. */
  found(what: "sold" | "absent"): void {
    this.#found[what] += 1;
  }

  /** It is known, once for each key, what the buyer got. */
  decided(key: string, order: string | null): void {
    this.#keys += 1;
    if (order === null) {
      this.#soldOutKeys += 1;
    } else {
      this.#orders.set(order, (this.#orders.get(order) ?? new Set()).add(key));
    }
  }

  /** The buyer gave up without knowing. */
  gaveUp(): void {
    this.#keys += 1;
    this.#neverDecided += 1;
  }

  get answers(): number {
    return this.#answersMs.length;
  }

  /** Everything, ready to be printed. `beganMs` and `endedMs` bound the sending. */
  summarize(beganMs: number, endedMs: number) {
    const { gapMs, fromMs, toMs } = longestGap(beganMs, this.#answersMs, endedMs);
    const sorted = Float64Array.from(this.#latenciesMs).sort();
    const outcome = (kind: AttemptOutcome) => this.#outcomes[kind] ?? 0;
    const unproblematic = outcome("sold") + outcome("soldOut");
    const attempts = Object.values(this.#outcomes).reduce((sum, count) => sum + count, 0);
    return {
      keys: this.#keys,
      attempts,
      outcomes: this.#outcomes,
      /** Answered by anything but sold or sold out, or not at all. */
      failed: attempts - unproblematic,
      lost: outcome("lost"),
      unsent: outcome("unsent"),
      found: this.#found,
      decided: { sold: this.#orders.size, soldOut: this.#soldOutKeys },
      neverDecided: this.#neverDecided,
      duplicates: [...this.#orders.values()].filter((keys) => keys.size > 1).length,
      perNode: this.#perNode,
      beganMs: Math.round(beganMs),
      endedMs: Math.round(endedMs),
      perSecond: Math.round((attempts * 1_000) / Math.max(1, endedMs - beganMs)),
      maxGapMs: Math.round(gapMs),
      gapFromMs: Math.round(fromMs),
      gapToMs: Math.round(toMs),
      latencyMs: {
        p50: percentile(sorted, 0.5),
        p99: percentile(sorted, 0.99),
        max: percentile(sorted, 1),
      },
      incidents: this.#incidents,
      orders: [...this.#orders.keys()],
    };
  }

  #count(incident: Incident): void {
    const { outcome } = incident;
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    if (outcome !== "sold" && outcome !== "soldOut" && this.#incidents.length < incidentsMax) {
      this.#incidents.push({
        ...incident,
        sentMs: Math.round(incident.sentMs),
        endedMs: Math.round(incident.endedMs),
      });
    }
  }
}
