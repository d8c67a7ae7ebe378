import type { GeneratorName } from "./generator.ts";
import { type AnswerKind, answerKind, noOutcomes, type Outcomes } from "./outcomes.ts";

/** Latencies of one kind of answer, exact, in milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What a crowd sent and was told. */
export interface Crowd {
  readonly sentBy: GeneratorName;
  /** All that were sent, answered or not. */
  readonly requests: number;
  readonly seconds: number;
  readonly outcomes: Outcomes;
  /** Answers by HTTP status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without an answer, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of those kinds of answer that occurred. */
  readonly latencyMs: Readonly<Partial<Record<AnswerKind, Latency>>>;
}

/** What was measured: the latency of each answer by status, and what had none. */
export interface Measured {
  readonly seconds: number;
  readonly latenciesMs: ReadonlyMap<number, Float64Array>;
  readonly errors: Readonly<Record<string, number>>;
}

/** Sums up what a crowd was told. */
export function summarizeCrowd(measured: Measured, sentBy: GeneratorName): Crowd {
  const failed = Object.values(measured.errors).reduce((sum, count) => sum + count, 0);
  const outcomes = { ...noOutcomes, failed };
  const byKind = new Map<AnswerKind, Float64Array[]>();
  const statuses: Record<string, number> = {};
  for (const [status, latencies] of measured.latenciesMs) {
    const kind = answerKind(status);
    statuses[status] = latencies.length;
    outcomes[kind] += latencies.length;
    byKind.set(kind, [...(byKind.get(kind) ?? []), latencies]);
  }
  const latencyMs: Partial<Record<AnswerKind, Latency>> = {};
  for (const [kind, parts] of byKind) {
    latencyMs[kind] = summarizeLatency(parts);
  }
  return {
    sentBy,
    requests: Object.values(statuses).reduce((sum, count) => sum + count, failed),
    seconds: measured.seconds,
    outcomes,
    statuses,
    errors: measured.errors,
    latencyMs,
  };
}

function summarizeLatency(parts: readonly Float64Array[]): Latency {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  all.sort();
  return {
    p50: percentile(all, 0.5),
    p99: percentile(all, 0.99),
    p999: percentile(all, 0.999),
    max: percentile(all, 1),
  };
}

/** The smallest value that at least this share of all values do not exceed (nearest rank). */
export function percentile(sorted: Float64Array, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return roundMs(sorted[rank - 1] ?? 0);
}

/** Microseconds are as fine as the clock is worth. */
function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
