import { batchRefOf, briefToken } from "../sale/order.ts";
import type { SaleBooks } from "./books.ts";
import type { Findings } from "./findings.ts";
import type { LedgerOrders } from "./orders.ts";

/**
 * Every held order has one deadline, at the time by which it is to be paid: that of its batch where
 * its record names one, else one of its own. Nothing else has a deadline.
 */
export function compareDeadlines(books: SaleBooks, orders: LedgerOrders, findings: Findings): void {
  for (const [member, deadline] of books.deadlines) {
    const [kind, name] = [member.slice(0, 1), member.slice(1)];
    if (kind === "b") {
      compareBatchDeadline(name, deadline, books, orders, findings);
    } else if (kind === "o") {
      compareOrderDeadline(name, deadline, books, orders, findings);
    } else {
      const text = `deadline ${deadline}: it is for ${member}, which is neither a batch nor an order`;
      findings.add("deadline", member, text);
    }
  }
  for (const [ref, row] of orders.batches) {
    if (row !== null && !books.deadlines.has(`b${ref}`)) {
      const text = `batch ${ref}: to be paid by ${row.payByMs}, but it has no deadline`;
      findings.add("deadline", ref, text);
    }
  }
  for (const { token, serial, state, payByMs } of orders.alone) {
    if (state === "held" && !books.deadlines.has(`o${token}`)) {
      const text = `order ${serial}: to be paid by ${payByMs}, but it has no deadline`;
      findings.add("deadline", String(serial), text);
    }
  }
}

function compareBatchDeadline(
  ref: string,
  deadline: string,
  books: SaleBooks,
  orders: LedgerOrders,
  findings: Findings,
): void {
  const row = orders.batches.get(ref);
  if (!books.batches.has(ref)) {
    const text = `deadline ${deadline}: it is for batch ${ref}, which is not there`;
    findings.add("deadline", ref, text);
  } else if (row && Number(deadline) !== row.payByMs) {
    const text = `batch ${ref}: to be paid by ${row.payByMs}, its deadline is ${deadline}`;
    findings.add("deadline", ref, text);
  }
}

function compareOrderDeadline(
  token: string,
  deadline: string,
  books: SaleBooks,
  orders: LedgerOrders,
  findings: Findings,
): void {
  const record = books.orders.get(token);
  const order = orders.byToken.get(token);
  if (record === undefined) {
    const text = `deadline ${deadline}: it is for token ${briefToken(token)}, which has no order`;
    findings.add("deadline", briefToken(token), text);
    return;
  }
  if (order === undefined) {
    return; // It cannot be read, and is named for that.
  }
  const subject = String(order.serial);
  if (batchRefOf(record) !== null) {
    const text = `order ${subject}: it has a deadline, ${deadline}, beside that of its batch`;
    findings.add("deadline", subject, text);
  } else if (order.state !== "held") {
    const text = `order ${subject}: it is ${order.state}, but has a deadline, ${deadline}`;
    findings.add("deadline", subject, text);
  } else if (Number(deadline) !== order.payByMs) {
    const text = `order ${subject}: to be paid by ${order.payByMs}, its deadline is ${deadline}`;
    findings.add("deadline", subject, text);
  }
}
