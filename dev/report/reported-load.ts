import { type AuditReading, auditSale } from "../../src/audit/audit-sale.ts";
import { SaleOperations } from "../../src/ledger/operations.ts";
import { CommandError } from "../../src/operator/command.ts";
import type { DatabaseAddress } from "../../src/orders/database-address.ts";
import { redactAddress } from "../../src/process/redact.ts";
import { orderId } from "../../src/sale/order.ts";
import type { SaleSnapshot } from "../../src/sale/sale.ts";
import type { Aftermath } from "../load/aftermath.ts";
import type { Crowd } from "../load/crowd.ts";
import type { LoadOptions } from "../load/generator.ts";
import { countsBetween, type NodeAddress, readNodeCounts } from "../load/node-counts.ts";
import { sendCrowd } from "../load/send-crowd.ts";
import { type Details, type LedgerView, makeReport, type Report } from "./report.ts";

/** Where the books of a sale are. */
export interface LedgerPlace {
  readonly redisUrl: string;
  readonly sale: string;
  /** Null: the orders database is not looked at. */
  readonly database: DatabaseAddress | null;
}

/** What can be looked at beside the answers. */
export interface Surroundings {
  readonly nodes: readonly NodeAddress[];
  /** Where the books are, or null if they are not to be read. */
  readonly ledger: LedgerPlace | null;
  /** For the report only. */
  readonly sale: string | null;
}

export interface ReportedLoad {
  readonly report: Report;
  readonly details: Details;
}

/** In which one worker stores a million orders; what is not stored then is a fault. */
const storedMsMax = 60_000;

/**
 * Sends a crowd, and holds what it was told against what the nodes, the ledger and the orders
 * database report. `settle` is waited for in between: what goes on when the crowd is gone.
 */
export async function runReportedLoad(
  options: LoadOptions,
  surroundings: Surroundings,
  signal: AbortSignal,
  settle: () => Promise<Aftermath | null> = () => Promise.resolve(null),
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
  const aftermath = await settle();
  const view = ledger === null || before === null ? null : await auditLedger(ledger, before);
  return makeReport(crowd, shares, view, surroundings.sale, aftermath);
}

async function auditLedger(ledger: LedgerPlace, before: SaleSnapshot): Promise<LedgerView> {
  const stored = new Map<string, string>();
  const reading = await auditSale({
    ...ledger,
    waitMs: storedMsMax,
    eachPage: (rows) => {
      for (const row of rows) {
        stored.set(orderId(ledger.sale, row), row.state);
      }
    },
  });
  const { audit, books, orders } = auditOf(reading, ledger.sale);
  const made = orders.bySerial.filter(({ serial }) => serial > before.serial).length;
  return { before, audit, made, events: books.events, stored };
}

async function readSale(redisUrl: string, sale: string): Promise<SaleSnapshot> {
  const operations = new SaleOperations(redisUrl);
  try {
    const snapshot = await operations.read(sale);
    if (snapshot === null) {
      throw new CommandError(
        `there is no sale ${sale} in ${redactAddress(redisUrl)}; ` +
          `"sluice sale create ${sale} --total N" makes it`,
      );
    }
    return snapshot;
  } finally {
    operations.close();
  }
}

function auditOf(reading: AuditReading, sale: string) {
  if (reading.kind === "read") {
    return reading;
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
