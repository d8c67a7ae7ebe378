import {
  type FigureResult,
  type RatioResult,
  type Result,
  type SideResult,
  type TableColumn,
  type TableResult,
  type TableRow,
  verdictOf,
} from "./result.ts";
import type { Spread } from "./statistics.ts";

/**
 * A side that needs several processes at once (node, Redis and load generator on two cores) loses
 * more to neighbours than one that needs few, which taking turns cannot make good.
 */
export const othersShareMax = 0.05;

/** What is said of the whole run, above the results. */
export interface RunFacts {
  readonly startedAt: string;
  readonly machine: string;
  readonly bun: string;
  readonly rounds: number;
  readonly connections: number;
  /** SLUICE_ variables that were set, `NAME=value`. */
  readonly settings: readonly string[];
}

/** The report as text: a line a result, then what lies behind each of them. */
export function renderText(facts: RunFacts, results: readonly Result[]): string {
  const rows = [
    ["what", "median", "min..max", "middle half", "target", "verdict"],
    ...results.filter((result) => result.kind !== "table").map(summaryRow),
  ];
  const settings = facts.settings.length === 0 ? "" : `; ${facts.settings.join(" ")}`;
  return [
    `Sluice benchmarks, ${facts.startedAt}`,
    `${facts.machine}; Bun ${facts.bun}; ${facts.rounds} rounds, both sides in each, by turns; ` +
      `${facts.connections} connections${settings}`,
    "",
    ...alignColumns(rows),
    "",
    ...results.flatMap(details),
  ].join("\n");
}

/** Pads the cells of each column to the same width: the first to the left, the others right. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

function summaryRow(result: RatioResult | FigureResult): string[] {
  const isRatio = result.kind === "ratio";
  const spread = isRatio ? result.ratio : result.figure;
  const say = isRatio ? ratioText : figureText;
  const unit = isRatio ? "" : ` ${result.unit}`;
  return [
    `${result.id}: ${result.what}`,
    `${say(spread.median)}${unit}`,
    spread.count === 1 ? "one reading" : `${say(spread.min)}..${say(spread.max)}`,
    spread.count < 4 ? "" : `${say(spread.lowerQuartile)}..${say(spread.upperQuartile)}`,
    targetText(result),
    verdictOf(result),
  ];
}

function targetText(result: RatioResult | FigureResult): string {
  if (result.kind === "ratio") {
    return result.atLeast === null ? "-" : `>= ${ratioText(result.atLeast)}`;
  }
  if (result.atLeast !== undefined) {
    return `>= ${figureText(result.atLeast)} ${result.unit}`;
  }
  return result.atMost === null ? "-" : `<= ${figureText(result.atMost)} ${result.unit}`;
}

/** Nothing for a result of which the list above has said everything. */
function details(result: Result): string[] {
  const lines = [...detailLines(result), ...result.notes.map((note) => `  ${note}`)];
  return lines.length === 0 ? [] : [`${result.id}: ${result.what}`, ...lines, ""];
}

function detailLines(result: Result): string[] {
  switch (result.kind) {
    case "ratio":
      return ratioDetails(result);
    case "figure":
      return figureDetails(result);
    case "table":
      return tableDetails(result);
  }
}

function tableDetails({ of, columns, rows }: TableResult): string[] {
  const titles = columns.flatMap(({ title, range }) => (range ? [title, "min..max"] : [title]));
  const body = rows.map(({ name, cells }) => [
    name,
    ...columns.flatMap((column) => cellTexts(column, cells)),
  ]);
  return alignColumns([[of, ...titles], ...body]).map((line) => `  ${line}`);
}

function cellTexts({ key, range }: TableColumn, cells: TableRow["cells"]): string[] {
  const spread = cells[key];
  const median = spread === undefined ? "-" : figureText(spread.median);
  if (!range) {
    return [median];
  }
  return [median, spread === undefined ? "-" : rangeText(spread)];
}

function ratioDetails(result: RatioResult): string[] {
  const sides = [result.ours, result.other];
  const rows = alignColumns(sides.map(sideRow)).map((line) => `  ${line}`);
  const cpu = `${ratioText(result.cpuRatio.median)} (${ratioRange(result.cpuRatio)})`;
  const { median, max } = result.othersShare;
  const others = `other programs meanwhile took ${percentText(median)} of all cores (at most ${percentText(max)})`;
  const warning =
    median > othersShareMax ? ": not a quiet machine, the rates are not to be relied on" : "";
  return [
    ...rows,
    `  processor time a request, the other's over ours: ${cpu}`,
    `  ${others}${warning}`,
  ];
}

function figureDetails({ figure, unit }: FigureResult): string[] {
  return figure.count === 1 ? [] : [`  ${figure.count} readings, ${rangeText(figure)} ${unit}`];
}

function sideRow(side: SideResult): string[] {
  const { perSecond } = side;
  const cpu = Object.entries(side.cpuMicros).map(
    ([name, spread]) => `${name} ${figureText(spread.median)}`,
  );
  return [
    side.name,
    `${wholeText(perSecond.median)}/s`,
    `(${wholeText(perSecond.min)}..${wholeText(perSecond.max)})`,
    `processor time a request, microseconds: ${cpu.join(", ")}`,
  ];
}

function rangeText(spread: Spread): string {
  return `${figureText(spread.min)}..${figureText(spread.max)}`;
}

function ratioRange(spread: Spread): string {
  return `${ratioText(spread.min)}..${ratioText(spread.max)}`;
}

function ratioText(value: number): string {
  return value.toFixed(2);
}

function percentText(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Three digits that mean something; no reading here is better than that. */
function figureText(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) {
    return wholeText(value);
  }
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function wholeText(value: number): string {
  return String(Math.round(value));
}
