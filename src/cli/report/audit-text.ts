import type { AuditResult } from "../../ledger/audit.ts";
import { formatCount, formatFigure } from "./numbers.ts";

/** Differences that are printed; `--json` has up to a thousand. */
const printedMax = 30;

/** What the audit found, in words. */
export function formatAudit(audit: AuditResult): string {
  const { stock, differenceCount } = audit;
  const lines = [
    `sale ${audit.sale}: total ${formatFigure(stock.total)} = held ${formatFigure(stock.held)} + ` +
      `paid ${formatFigure(stock.paid)} + left ${formatFigure(stock.left)}`,
    `  ${formatCount(audit.orders)} orders, ${formatCount(audit.events)} events in the stream`,
  ];
  if (differenceCount === 0) {
    return [...lines, "the books balance"].join("\n");
  }
  const printed = audit.differences.slice(0, printedMax).map(({ text }) => `  ${text}`);
  const count =
    differenceCount === 1 ? "1 difference" : `${formatCount(differenceCount)} differences`;
  lines.push(`the books do not balance: ${count}`, ...printed);
  if (differenceCount > printed.length) {
    lines.push(`  and ${formatCount(differenceCount - printed.length)} more`);
  }
  return lines.join("\n");
}
