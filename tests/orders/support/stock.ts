import type { SaleScripts } from "../../ledger/support/sale-scripts.ts";

export interface Stock {
  readonly held: number;
  readonly paid: number;
  readonly left: number;
  readonly epoch: number;
}

/** The counts of a sale, as the ledger has them. */
export async function stockOf(sale: SaleScripts): Promise<Stock> {
  const [total, held, paid, epoch] = (
    await sale.client.hmget(sale.keys.stock, "total", "held", "paid", "epoch")
  ).map(Number) as [number, number, number, number];
  return { held, paid, left: total - held - paid, epoch };
}
