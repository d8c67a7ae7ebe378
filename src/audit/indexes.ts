import type { OrderRecord } from "../sale/order.ts";
import type { SaleBooks } from "./books.ts";
import { type Findings, wholeNumber } from "./findings.ts";
import type { AuditedStock } from "./stock.ts";

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
  const serialsByKey = new Map<string, number>();
  for (const { serial, key } of orders) {
    const other = serialsByKey.get(key);
    const found = books.requests.get(key);
    if (other !== undefined) {
      const text = `request key ${key}: both order ${other} and order ${serial} were sold for it`;
      findings.add("duplicate", key, text);
    } else if (found !== String(serial)) {
      const text = `request key ${key}: order ${serial} was sold for it, it leads to ${stated(found)}`;
      findings.add("request", key, text);
    }
    serialsByKey.set(key, serial);
  }
  for (const [key, serial] of books.requests) {
    if (!serialsByKey.has(key)) {
      const reason = books.orders.has(serial)
        ? "which was sold for another key"
        : "which is not there";
      findings.add("request", key, `request key ${key}: it leads to order ${serial}, ${reason}`);
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

/**
 * Every held order has one deadline, that of its batch, at the time by which it is to be paid.
 * A batch keeps its deadline until it has passed, though some of its orders were paid before.
 */
export function compareDeadlines(
  books: SaleBooks,
  orders: readonly OrderRecord[],
  findings: Findings,
): void {
  const bySerial = new Map(orders.map((order) => [order.serial, order]));
  const covered = new Set<number>();
  for (const [batch, deadline] of books.deadlines) {
    const [, first, last] = /^([1-9][0-9]{0,15})-([1-9][0-9]{0,15})$/.exec(batch) ?? [];
    const size = Number(last) - Number(first) + 1;
    if (!(size >= 1 && size <= books.orders.size)) {
      findings.add(
        "deadline",
        batch,
        `deadline ${deadline}: it is for ${batch}, which is no batch`,
      );
      continue;
    }
    for (let serial = Number(first); serial <= Number(last); serial += 1) {
      compareDeadline(serial, deadline, bySerial.get(serial), findings);
      if (covered.has(serial)) {
        findings.add("deadline", batch, `order ${serial}: it has a second deadline, ${deadline}`);
      }
      covered.add(serial);
    }
  }
  for (const { serial, state, payByMs } of orders) {
    if (state === "held" && !covered.has(serial)) {
      const text = `order ${serial}: to be paid by ${payByMs}, but it has no deadline`;
      findings.add("deadline", String(serial), text);
    }
  }
}

function compareDeadline(
  serial: number,
  deadline: string,
  order: OrderRecord | undefined,
  findings: Findings,
): void {
  if (order === undefined) {
    const text = `deadline ${deadline}: it is for order ${serial}, which is not there`;
    findings.add("deadline", String(serial), text);
  } else if (Number(deadline) !== order.payByMs) {
    const text = `order ${serial}: to be paid by ${order.payByMs}, its deadline is ${deadline}`;
    findings.add("deadline", String(serial), text);
  }
}
