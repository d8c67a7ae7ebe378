import { othersShareMax } from "../render.ts";
import type { Spread } from "../statistics.ts";

/** What the figures depend on. */
export interface CostFacts {
  readonly redisVersion: string;
  /** Its version, or why it was not measured. */
  readonly postgres: string;
  readonly fileSystem: string;
  readonly othersShare: Spread;
  /** The machine's load averages before and after. */
  readonly loads: readonly (readonly number[])[];
  /** In the smallest slice. */
  readonly ticketsMin: number;
}

/** Linux counts processor time in steps of a hundredth of a second. */
const stepMicros = 10_000;

/** How the table came about, for whoever reads it. */
export function costNotes(facts: CostFacts): string[] {
  const { median, max } = facts.othersShare;
  const warning = median > othersShareMax ? ": not a quiet machine" : "";
  const [before = "", after = ""] = facts.loads.map((averages) =>
    averages.map((load) => load.toFixed(1)).join(" "),
  );
  const step = (stepMicros / facts.ticketsMin).toFixed(1);
  return [
    "keys: a key and a buyer of its own in each purchase; limit: the same, a buyer may have one " +
      "ticket; plain: neither. Where there are keys, 1 % of the requests repeat an earlier one",
    "from the first request until all is stored and acknowledged; all threads, all backends; " +
      "orders in the database = tickets held in the ledger = tickets sold to the load, each time",
    `a process's time is known to 0.01 s, which is ${step} us a ticket in the smallest slice; ` +
      "what a process takes when nobody asks (below) is in it",
    "a second: tickets while the load lasts, the load generator on the same machine",
    "bare handlers: sum, divided by what a bare Bun.serve handler took of the same load right " +
      "before or after; the median of the quotients",
    "file, memory: growth of Redis' append-only file and of used_memory, bytes an order",
    `Redis ${facts.redisVersion}, appendfsync always; durability primary; ${facts.postgres}; ` +
      `files on ${facts.fileSystem}`,
    `other programs meanwhile took ${percentText(median)} of all cores (at most ` +
      `${percentText(max)})${warning}; load average ${before} before, ${after} after`,
  ];
}

function percentText(share: number): string {
  return `${Math.round(share * 100)} %`;
}
