import type { DatabaseAudit, SaleAudit } from "../../audit/audit-sale.ts";
import { formatCount, formatFigure } from "./numbers.ts";

/** Differences that are printed; `--json` has up to a thousand. */
const printedMax = 30;

/** What the audit found, in words. */
export function formatAudit(audit: SaleAudit): string {
  const { stock, differenceCount } = audit;
  const lines = [
    `sale ${audit.sale}: total ${formatFigure(stock.total)} = held ${formatFigure(stock.held)} + ` +
      `paid ${formatFigure(stock.paid)} + left ${formatFigure(stock.left)}`,
    `  ${formatCount(audit.orders)} orders, ${formatCount(audit.events)} entries in the stream`,
    ...formatTrimmed(audit),
    ...formatDatabase(audit.database),
  ];
  if (differenceCount === 0 && audit.database === null) {
    return [...lines, "the books of the ledger balance"].join("\n");
  }
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

function formatTrimmed({ trimmed, database }: SaleAudit): string[] {
  if (trimmed === 0) {
    return [];
  }
  const seen = database === null ? "that they were stored is not shown" : "the database shows them";
  return [`  ${formatCount(trimmed)} orders are older than the trimmed stream: ${seen}`];
}

function formatDatabase(database: DatabaseAudit | null): string[] {
  if (database === null) {
    return ["  the orders database was not looked at; --database names it"];
  }
  const { address, orders, behind, deadLetters } = database;
  const lines = [`  ${formatCount(orders)} orders in ${address}`];
  if (behind === null) {
    lines.push("  no order worker has ever read the stream of this sale");
  } else if (behind > 0) {
    lines.push(
      `  ${formatCount(behind)} entries are not stored yet; a longer --wait lets the workers do it`,
    );
  }
  if (deadLetters > 0) {
    lines.push(`  ${formatCount(deadLetters)} dead letters; "sluice dead-letters" shows them`);
  }
  return lines;
}
