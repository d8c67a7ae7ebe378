import type { SaleBooks } from "./audit-books.ts";
import { type Findings, wholeNumber } from "./audit-findings.ts";
import type { AuditedStock } from "./audit-stock.ts";
import type { OrderRecord } from "./order-record.ts";

/** What stands where something else was expected. */
function stated(value: string | undefined): string {
  return value ?? "nothing";
}

/** Request keys and orders lead to each other. */
export function compareRequests(
  books: SaleBooks,
  orders: readonly OrderRecord[],
  findings: Findings,
): void {
  const ordersByKey = new Map<string, string>();
  for (const { order, key } of orders) {
    const other = ordersByKey.get(key);
    const found = books.requests.get(key);
    if (other !== undefined) {
      const text = `request key ${key}: both ${other} and ${order} were sold for it`;
      findings.add("duplicate", key, text);
    } else if (found !== order) {
      const text = `request key ${key}: ${order} was sold for it, it leads to ${stated(found)}`;
      findings.add("request", key, text);
    }
    ordersByKey.set(key, order);
  }
  for (const [key, order] of books.requests) {
    if (!ordersByKey.has(key)) {
      const reason = books.orders.has(order)
        ? "which was sold for another key"
        : "which is not there";
      findings.add("request", key, `request key ${key}: it leads to order ${order}, ${reason}`);
    }
  }
}

/** Each buyer is counted with the tickets of the orders that they hold or have paid. */
export function compareBuyers(
  books: SaleBooks,
  orders: readonly OrderRecord[],
  stock: AuditedStock,
  findings: Findings,
): void {
  const tickets = new Map<string, number>();
  for (const { state, buyer, quantity } of orders) {
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
    if (buyer !== "" && (stock.limit ?? 0) > 0 && sum > (stock.limit ?? 0)) {
      findings.add("buyer", buyer, `${name}: has ${sum} tickets, the limit is ${stock.limit}`);
    }
  }
  const { held, paid } = stock;
  if (held !== null && paid !== null && counted !== held + paid) {
    const text = `buyers: their counts add up to ${counted}, held + paid is ${held + paid}`;
    findings.add("buyer", "buyers", text);
  }
}

/** Exactly the held orders have a deadline: the time by which they are to be paid. */
export function compareDeadlines(
  books: SaleBooks,
  orders: readonly OrderRecord[],
  findings: Findings,
): void {
  const held = new Map<string, OrderRecord>();
  for (const order of orders) {
    if (order.state === "held") {
      held.set(order.order, order);
    }
  }
  for (const { order, payByMs } of held.values()) {
    const deadline = books.deadlines.get(order);
    if (Number(deadline) !== payByMs) {
      const text = `order ${order}: to be paid by ${payByMs}, its deadline is ${stated(deadline)}`;
      findings.add("deadline", order, text);
    }
  }
  for (const [order, deadline] of books.deadlines) {
    if (!held.has(order)) {
      const text = `deadline ${deadline}: it is for order ${order}, which is not held`;
      findings.add("deadline", order, text);
    }
  }
}
