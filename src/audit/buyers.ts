import type { SaleBooks } from "./books.ts";
import { type Findings, stated, wholeNumber } from "./findings.ts";
import type { LedgerOrders } from "./orders.ts";
import type { AuditedStock } from "./stock.ts";

/**
 * Where a sale has a limit, each buyer is counted with the tickets of the orders that they hold or
 * have paid; where it has none, nobody is counted.
 */
export function compareBuyers(
  books: SaleBooks,
  orders: LedgerOrders,
  stock: AuditedStock,
  findings: Findings,
): void {
  if (stock.limit === null) {
    return; // Named where the stock is read.
  }
  if (stock.limit > 0) {
    compareCounts(books, orders, stock, stock.limit, findings);
  } else if (books.buyers.size > 0) {
    const text = `buyers: ${books.buyers.size} are counted, though the sale has no limit`;
    findings.add("buyer", "buyers", text);
  }
}

function compareCounts(
  books: SaleBooks,
  orders: LedgerOrders,
  { held, paid }: AuditedStock,
  limit: number,
  findings: Findings,
): void {
  const tickets = new Map<string, number>();
  for (const { state, buyer, quantity } of orders.bySerial) {
    if (state !== "released") {
      tickets.set(buyer, (tickets.get(buyer) ?? 0) + quantity);
    }
  }
  let counted = 0;
  for (const buyer of new Set([...tickets.keys(), ...books.buyers.keys()])) {
    const text = books.buyers.get(buyer);
    const [count, sum] = [wholeNumber(text), tickets.get(buyer) ?? 0];
    const name = buyer === "" ? "the nameless buyers" : `buyer ${buyer}`;
    counted += count ?? 0;
    // A buyer whose orders were all released may be counted as 0 or not at all.
    if (count !== sum && !(text === undefined && sum === 0)) {
      const found = `${name}: counted with ${stated(text)}, their orders make ${sum} tickets`;
      findings.add("buyer", buyer, found);
    }
    if (buyer === "" && sum > 0) {
      const found = `${name}: they have ${sum} tickets, though the sale has a limit`;
      findings.add("buyer", buyer, found);
    } else if (sum > limit) {
      findings.add("buyer", buyer, `${name}: has ${sum} tickets, the limit is ${limit}`);
    }
  }
  if (held !== null && paid !== null && counted !== held + paid) {
    const text = `buyers: their counts add up to ${counted}, held + paid is ${held + paid}`;
    findings.add("buyer", "buyers", text);
  }
}
