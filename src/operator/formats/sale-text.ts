import type { SaleSnapshot } from "../../sale/sale.ts";
import { formatCount, formatTable } from "./numbers.ts";

/** A sale in a few lines. */
export function formatSale(sale: SaleSnapshot): string {
  const { state, total, held, paid, left } = sale;
  const limit = sale.limit === 0 ? "no limit a buyer" : `${formatCount(sale.limit)} a buyer`;
  const lines = [
    `sale ${sale.sale}: ${state}${opening(sale)}`,
    `  ${formatCount(left)} left of ${formatCount(total)}: ` +
      `${formatCount(held)} held, ${formatCount(paid)} paid`,
    `  ${limit}, to be paid within ${formatCount(sale.holdMs / 1_000)} s`,
    `  epoch ${sale.epoch}, serial ${sale.serial}`,
  ];
  return lines.join("\n");
}

/** All sales, a line each. */
export function formatSales(sales: readonly SaleSnapshot[]): string {
  if (sales.length === 0) {
    return 'there is no sale yet; "sluice sale create ID --total N" makes one';
  }
  const rows = sales.map((sale) => [
    sale.sale,
    sale.state,
    ...[sale.total, sale.held, sale.paid, sale.left].map(formatCount),
  ]);
  return formatTable([["sale", "state", "total", "held", "paid", "left"], ...rows]).join("\n");
}

function opening({ state, opensAtMs }: SaleSnapshot): string {
  if (state !== "scheduled") {
    return "";
  }
  return opensAtMs === 0 ? ", to be opened" : `, opens ${new Date(opensAtMs).toISOString()}`;
}
