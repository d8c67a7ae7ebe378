import { styleText } from "node:util";

import {
  formatCount,
  formatFigure,
  formatMs,
  formatShare,
  formatTable,
} from "../../src/operator/formats/numbers.ts";
import type { Latency } from "../load/crowd.ts";
import { noOutcomes } from "../load/outcomes.ts";
import { columns, horizontalBar } from "./bars.ts";
import type { Details, NodeShare, Report } from "./report.ts";
import { formatPayments, formatStock } from "./stock-text.ts";
import type { Timeline } from "./timeline.ts";

type Color = "green" | "red" | "cyan" | "bold" | "dim";
/** Colours a text, or leaves it as it is. */
export type Paint = (color: Color, text: string) => string;

/** Colours for a terminal that takes them: none into a file, none where NO_COLOR is set. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (color, text) => styleText(color, text, { stream });
}

const labels: Readonly<Record<keyof typeof noOutcomes, string>> = {
  sold: "sold",
  soldOut: "sold out",
  undecided: "undecided",
  busy: "busy",
  notOnSale: "not on sale",
  fewerLeftOrLimitReached: "fewer left or limit reached",
  limited: "too many requests",
  badRequest: "bad request",
  other: "other status",
  failed: "no answer",
};

const barWidth = 24;
const chartHeight = 6;

/** The report for people. */
export function formatReport(report: Report, details: Details, paint: Paint): string {
  const parts = [
    formatHead(report),
    formatOutcomes(report),
    formatErrors(report),
    formatNodes(report, details.nodes, paint),
    details.timeline === null ? [] : formatTimeline(report, details.timeline, paint),
    formatLife(report),
    formatBooks(report, paint),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function formatHead({ sale, tickets, requests, sentBy, seconds, perSecond }: Report): string[] {
  const stock = tickets === null ? "" : `${formatCount(tickets)} tickets, `;
  const rate = `${formatCount(perSecond)} answers a second`;
  const name = sale === null ? "" : `sale ${sale}: `;
  const sent = `${formatCount(requests)} requests in ${seconds.toFixed(1)} s`;
  return [`${name}${stock}${sent}, ${rate} (${sentBy})`];
}

/** `sold` and `soldOut` always, the others where they occurred. */
function formatOutcomes({ outcomes, latencyMs, requests }: Report): string[] {
  const rows = [["outcome", "requests", "share", "p50 ms", "p99 ms", "p99.9 ms", "max ms"]];
  for (const [kind, label] of Object.entries(labels)) {
    const count = new Map(Object.entries(outcomes)).get(kind) ?? 0;
    if (count > 0 || kind === "sold" || kind === "soldOut") {
      const share = formatShare(count, requests);
      rows.push([label, formatCount(count), share, ...latencyCells(latencyMs[kind] ?? null)]);
    }
  }
  return formatTable(rows);
}

function latencyCells(latency: Latency | null): string[] {
  if (latency === null) {
    return [];
  }
  return [latency.p50, latency.p99, latency.p999, latency.max].map(formatMs);
}

function formatErrors({ errors }: Report): string[] {
  const reasons = Object.entries(errors).sort(([, a], [, b]) => b - a);
  return reasons.map(([reason, count]) => `no answer: ${formatCount(count)} x ${reason}`);
}

/** What each node answered, with the share that its weight would have. */
function formatNodes(report: Report, nodes: readonly NodeShare[], paint: Paint): string[] {
  if (nodes.length === 0) {
    return [];
  }
  const answered = nodes.reduce((sum, node) => sum + node.answered, 0);
  const weights = nodes.reduce((sum, node) => sum + node.weight, 0);
  const shareMax = Math.max(...nodes.map((node) => node.answered / Math.max(1, answered)));
  const rows = nodes.map(({ name, weight, answered: its, sold }) => [
    name,
    String(weight),
    formatShare(weight, weights),
    formatCount(its),
    formatShare(its, answered),
    formatCount(sold),
  ]);
  const header = ["node", "weight", "due", "answered", "share", "sold"];
  const [head = "", ...lines] = formatTable([header, ...rows]);
  const bars = lines.map((line, index) => {
    const share = (nodes[index]?.answered ?? 0) / Math.max(1, answered);
    const bar = horizontalBar(share / (shareMax || 1), barWidth);
    return bar === "" ? line : `${line}  ${paint("cyan", bar)}`;
  });
  const own = report.answeredByNginx ?? 0;
  const ownShare = formatShare(own, report.requests);
  return [head, ...bars, `Nginx answered ${formatCount(own)} itself (${ownShare} of all)`];
}

function formatTimeline(report: Report, timeline: Timeline, paint: Paint): string[] {
  const { durationMs, sliceMs, tickets } = timeline;
  const sold = tickets.reduce((sum, count) => sum + count, 0);
  const peak = (Math.max(...tickets) / sliceMs) * 1_000;
  const duration = `${formatCount(durationMs)} ms`;
  const what =
    report.timeToSellOutMs === null
      ? `${formatCount(sold)} tickets sold within ${duration}`
      : `sold out ${duration} after the first sale`;
  const axis = `0${duration.padStart(Math.max(tickets.length - 1, duration.length + 1))}`;
  return [
    `${what}; at most ${formatCount(peak)} tickets a second, ${formatCount(sliceMs)} ms a column`,
    ...columns(tickets, chartHeight).map((line) => `  ${paint("green", line)}`),
    `  ${paint("dim", axis)}`,
  ];
}

/** How holds were paid for, lapsed and sold again, where they were. */
function formatLife({ payments, resale, stock, tickets, books }: Report): string[] {
  if (payments === null || resale === null || stock === null || books === null) {
    return [];
  }
  return [...formatStock(stock, tickets ?? 1), ...formatPayments(payments, resale, books)];
}

function formatBooks({ books, verdict, faults, database }: Report, paint: Paint): string[] {
  if (books === null) {
    return ["books: not read; give --redis to have them audited"];
  }
  const place = database === null ? "in the ledger" : "in the database";
  const color = verdict === "balanced" ? "green" : "red";
  return [
    `books: total ${formatFigure(books.total)} = held ${formatFigure(books.held)} + ` +
      `paid ${formatFigure(books.paid)} + left ${formatFigure(books.left)}`,
    `       ${formatCount(books.orders)} orders ${place}, ${formatCount(books.duplicates)} duplicates, ` +
      `${formatCount(books.lost)} lost`,
    ...faults.map((fault) => `  ${paint("red", fault)}`),
    `verdict: ${paint(color, verdict ?? "unknown")}`,
  ];
}
