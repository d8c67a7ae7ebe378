import { type BooksReading, readBooks } from "../../ledger/audit-books.ts";
import { SaleOperations } from "../../ledger/operations.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import { CommandError } from "../command.ts";
import { type Details, type LedgerView, makeReport, type Report } from "../report/report.ts";
import type { Crowd } from "./crowd.ts";
import { countsBetween, type NodeAddress, readNodeCounts } from "./node-counts.ts";
import { type LoadOptions, sendCrowd } from "./oha.ts";

/** What can be looked at beside the answers. */
export interface Surroundings {
  readonly nodes: readonly NodeAddress[];
  /** Where the books are, or null if they are not to be read. */
  readonly ledger: { readonly redisUrl: string; readonly sale: string } | null;
  /** For the report only. */
  readonly sale: string | null;
}

export interface ReportedLoad {
  readonly report: Report;
  readonly details: Details;
}

/** Sends a crowd, and holds what it was told against what the nodes and the ledger say. */
export async function runReportedLoad(
  options: LoadOptions,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<ReportedLoad> {
  const { nodes, ledger } = surroundings;
  const before = ledger === null ? null : await readSale(ledger.redisUrl, ledger.sale);
  const countsBefore = await readNodeCounts(nodes);
  const crowd = await sendCrowd(options, signal);
  mustHaveAnswers(options, crowd);
  const counts = countsBetween(countsBefore, await readNodeCounts(nodes));
  const shares = nodes.flatMap(({ name, weight }) => {
    const count = counts.get(name);
    return count === undefined ? [] : [{ name, weight, ...count }];
  });
  const view: LedgerView | null =
    ledger === null || before === null
      ? null
      : { before, books: booksOf(await readBooks(ledger.redisUrl, ledger.sale), ledger.sale) };
  return makeReport(crowd, shares, view, surroundings.sale);
}

async function readSale(redisUrl: string, sale: string): Promise<SaleSnapshot> {
  const operations = new SaleOperations(redisUrl);
  try {
    const snapshot = await operations.read(sale);
    if (snapshot === null) {
      throw new CommandError(
        `there is no sale ${sale} in ${redisUrl}; "sluice sale create ${sale} --total N" makes it`,
      );
    }
    return snapshot;
  } finally {
    operations.close();
  }
}

function booksOf(reading: BooksReading, sale: string) {
  if (reading.kind === "read") {
    return reading.books;
  }
  throw new CommandError(
    reading.kind === "noSale"
      ? `sale ${sale} is no longer there, so the books could not be read`
      : `sale ${sale} goes on changing though the crowd has gone, so its books could not be read: ` +
          "is somebody else buying?",
  );
}

/** A crowd that nobody answered is no measurement. */
function mustHaveAnswers({ url }: LoadOptions, { requests, outcomes, errors }: Crowd): void {
  if (requests > outcomes.failed) {
    return;
  }
  const reasons = Object.keys(errors).join("; ");
  throw new CommandError(
    requests === 0
      ? `no request was sent to ${url}`
      : `none of ${requests} requests to ${url} was answered: ${reasons}`,
  );
}
