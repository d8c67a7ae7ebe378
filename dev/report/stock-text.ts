import { formatCount, formatFigure, formatShare } from "../../src/operator/formats/numbers.ts";
import type { Payments, StockSample } from "../load/aftermath.ts";
import type { Outcomes } from "../load/outcomes.ts";
import { columns } from "./bars.ts";
import type { Books } from "./verdict.ts";

/** As wide as the timeline of the sales. */
const columnsMax = 60;
const chartHeight = 2;
const rows = ["left", "held", "paid"] as const;

/** Tickets that were left, held and paid over time, all to the same scale. */
export function formatStock(stock: readonly StockSample[], total: number): string[] {
  const last = stock.at(-1);
  if (last === undefined) {
    return [];
  }
  const seconds = last.atMs / 1_000;
  const samples = thin(stock, last.atMs);
  return [
    `left, held and paid over ${seconds.toFixed(1)} s, ` +
      `${formatCount(last.atMs / samples.length)} ms a column`,
    ...rows.flatMap((row) => {
      const lines = columns(
        samples.map((sample) => sample[row]),
        chartHeight,
        total,
      );
      const ends = `${formatCount(samples[0]?.[row] ?? 0)} to ${formatCount(last[row])}`;
      return lines.map((line, index) =>
        index === chartHeight - 1
          ? `  ${row}  ${line.padEnd(samples.length)}  ${ends}`
          : `        ${line}`.trimEnd(),
      );
    }),
  ];
}

/** One sample a column: the last one that was taken by its end. */
function thin(stock: readonly StockSample[], durationMs: number): StockSample[] {
  const count = Math.min(columnsMax, stock.length);
  const thinned: StockSample[] = [];
  let next = 0;
  for (let column = 1; column <= count; column += 1) {
    const endMs = (durationMs * column) / count;
    while (next + 1 < stock.length && (stock[next + 1]?.atMs ?? 0) <= endMs) {
      next += 1;
    }
    const sample = stock[next];
    if (sample !== undefined) {
      thinned.push(sample);
    }
  }
  return thinned;
}

/** What became of holds, of those who went on asking, and of the tickets at the end. */
export function formatPayments(payments: Payments, resale: Outcomes, books: Books): string[] {
  const { share, seen, paid, refunded, failed } = payments;
  const asked = Object.values(resale).reduce((sum, count) => sum + count, 0);
  return [
    `payments: ${formatCount(paid)} of ${formatCount(seen)} holds were paid for ` +
      `(${formatShare(paid, seen)}, to be ${formatShare(share, 1)}), ` +
      `${formatCount(refunded)} too late, ${formatCount(failed)} failed`,
    `sold again: ${formatCount(resale.sold)} of ${formatCount(asked)} requests ` +
      "of those who went on asking",
    `in the end: ${formatFigure(books.paid)} tickets are paid for, ` +
      `${formatFigure(books.left)} are free, ${formatFigure(books.held)} are held`,
  ];
}
