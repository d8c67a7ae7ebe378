import type { SaleDefinition } from "../sale/sale.ts";
import type { Findings } from "./findings.ts";

/** What a stream has of the sale itself: its definition after each change of it. */
export interface DefinitionBooks {
  /** Entries that created it. */
  created: number;
  createdTickets: number;
  restockedTickets: number;
  /** The newest; null: there was none, or it may have been trimmed. */
  last: SaleDefinition | null;
}

/** What no script changes. */
const fixed = ["limit", "holdMs", "opensAtMs", "secretId"] as const;

/** Takes the next definition of a stream; it must follow from the one before. */
export function followDefinition(
  id: string,
  next: SaleDefinition,
  books: DefinitionBooks,
  findings: Findings,
): void {
  const { cause } = next;
  const before = books.last;
  if (cause === "created") {
    books.created += 1;
    books.createdTickets += next.total;
  } else if (before !== null && cause === "restocked") {
    books.restockedTickets += next.total - before.total;
  }
  for (const [name, value, expected] of expectations(next, before)) {
    if (value !== expected) {
      const text = `entry ${id}: the sale was ${cause}, and its ${name} is ${value}, not ${expected}`;
      findings.add("event", id, text);
    }
  }
  if (before !== null && cause === "restocked" && next.total <= before.total) {
    const text = `entry ${id}: the sale was restocked, and its total went from ${before.total} to`;
    findings.add("event", id, `${text} ${next.total}`);
  }
  if (before?.state === "closed") {
    findings.add("event", id, `entry ${id}: the sale was ${cause} after it was closed`);
  }
  books.last = next;
}

type Expectation = readonly [name: string, value: string | number, expected: string | number];

function expectations(next: SaleDefinition, before: SaleDefinition | null): Expectation[] {
  const { cause, state, revision, total } = next;
  if (cause === "created") {
    return [
      ["revision", revision, 1],
      ["state", state, "scheduled"],
    ];
  }
  const expected: Expectation[] = [];
  if (cause !== "restocked") {
    expected.push(["state", state, cause]);
  }
  if (before !== null) {
    expected.push(["revision", revision, before.revision + 1]);
    expected.push(
      cause === "restocked" ? ["state", state, before.state] : ["total", total, before.total],
    );
    for (const name of fixed) {
      expected.push([name, next[name], before[name]]);
    }
  }
  return expected;
}
