import type { StreamEntry } from "../../src/ledger/outbox/entry.ts";
import type { Aftermath, Payments, StockSample } from "../load/aftermath.ts";
import type { Crowd, Latency } from "../load/crowd.ts";
import type { GeneratorName } from "../load/generator.ts";
import type { NodeCount } from "../load/node-counts.ts";
import type { Outcomes } from "../load/outcomes.ts";
import { readTimeline, type Timeline } from "./timeline.ts";
import { type Books, type BooksView, judge, judgeAcknowledged, type Judgement } from "./verdict.ts";

/** What `--json` writes. Null: it was not to be known, for want of a ledger or of tickets left. */
export interface Report {
  readonly sale: string | null;
  readonly tickets: number | null;
  readonly requests: number;
  /** The program that sent them, and measured. */
  readonly sentBy: GeneratorName;
  readonly seconds: number;
  readonly perSecond: number;
  readonly outcomes: Outcomes;
  readonly latencyMs: Readonly<Record<string, Latency | null>>;
  /** Purchases that each node answered. */
  readonly perNode: Readonly<Record<string, number>>;
  /** From the first sale to the one that sold out, by the ledger's clock; null if none did. */
  readonly timeToSellOutMs: number | null;
  readonly books: Books | null;
  readonly verdict: "balanced" | "unbalanced" | null;
  /** Why the verdict is "unbalanced", a sentence each. */
  readonly faults: readonly string[];
  /** Answers that no node gave: Nginx's own, nearly all of them "sold out" from its cache. */
  readonly answeredByNginx: number | null;
  /** Requests without an answer, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  /** Where the orders were looked up; null where no database was looked at. */
  readonly database: string | null;
  /** Where holds were paid for or lapsed; otherwise null, as are the two below. */
  readonly payments: Payments | null;
  /** What those were told who went on asking when the crowd had gone. */
  readonly resale: Outcomes | null;
  readonly stock: readonly StockSample[] | null;
}

/** A node as the text report shows it. */
export interface NodeShare extends NodeCount {
  readonly name: string;
  readonly weight: number;
}

/** What stands in the text report only. */
export interface Details {
  readonly nodes: readonly NodeShare[];
  readonly timeline: Timeline | null;
}

/** What is known of the sale that the crowd bought of. */
export interface LedgerView extends BooksView {
  readonly events: readonly StreamEntry[];
  /** Order id -> state, as the database has it; empty where there was none to read. */
  readonly stored: ReadonlyMap<string, string>;
}

/** Puts a report together from what the crowd, the nodes and the ledger report. */
export function makeReport(
  crowd: Crowd,
  nodes: readonly NodeShare[],
  ledger: LedgerView | null,
  sale: string | null,
  aftermath: Aftermath | null = null,
): { report: Report; details: Details } {
  const judged = ledger === null ? null : judgeAll(crowd, ledger, aftermath);
  const timeline = ledger === null ? null : readTimeline(ledger.events, ledger.before);
  const answered = crowd.requests - crowd.outcomes.failed;
  const byNodes = nodes.reduce((sum, node) => sum + node.answered, 0);
  const report: Report = {
    sale: ledger?.before.sale ?? sale,
    tickets: judged?.books.total ?? null,
    requests: crowd.requests,
    sentBy: crowd.sentBy,
    seconds: round(crowd.seconds, 3),
    perSecond: crowd.seconds === 0 ? 0 : round(answered / crowd.seconds, 1),
    outcomes: crowd.outcomes,
    latencyMs: { sold: null, soldOut: null, ...crowd.latencyMs },
    perNode: Object.fromEntries(nodes.map((node) => [node.name, node.answered])),
    timeToSellOutMs: timeline?.soldOut === true ? timeline.durationMs : null,
    books: judged?.books ?? null,
    verdict: judged === null ? null : verdictOf(judged.faults),
    faults: judged?.faults ?? [],
    // A node may have answered somebody who had given up waiting.
    answeredByNginx: nodes.length === 0 ? null : Math.max(0, answered - byNodes),
    errors: crowd.errors,
    database: ledger?.audit.database?.address ?? null,
    payments: aftermath?.payments ?? null,
    resale: aftermath?.resale ?? null,
    stock: aftermath?.stock ?? null,
  };
  return { report, details: { nodes, timeline } };
}

function judgeAll(crowd: Crowd, ledger: LedgerView, aftermath: Aftermath | null): Judgement {
  const judged = judge(crowd, ledger, aftermath);
  if (aftermath === null || ledger.audit.database === null) {
    return judged;
  }
  const broken = judgeAcknowledged(aftermath, ledger.stored);
  return { ...judged, faults: [...judged.faults, ...broken] };
}

/** The report with one more fault in it. */
export function withFault(report: Report, fault: string): Report {
  return { ...report, faults: [...report.faults, fault], verdict: "unbalanced" };
}

function verdictOf(faults: readonly string[]): "balanced" | "unbalanced" {
  return faults.length === 0 ? "balanced" : "unbalanced";
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
