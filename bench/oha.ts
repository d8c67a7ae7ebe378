import { Type } from "typebox";
import { Value } from "typebox/value";

import type { Workshop } from "./workshop.ts";

export interface Load {
  readonly url: string;
  readonly requests: number;
  readonly connections: number;
}

/** What a load generator saw. */
export interface LoadReport {
  readonly requests: number;
  readonly seconds: number;
  /** Answers by status code. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** A request that has no answer by then is an error, and one error voids the reading. */
const requestTimeoutSeconds = 10;
/** At fewer than a thousand a second something is broken rather than slow. */
const requestsPerSecondMin = 1_000;
/** With few connections each of them waits for a disk, which may take tens of milliseconds. */
const requestsPerConnectionMin = 20;

/** How long a load may take before it is broken off, in milliseconds. */
export function loadLimitMs(requests: number, connections = Number.POSITIVE_INFINITY): number {
  const perSecond = Math.min(requestsPerSecondMin, connections * requestsPerConnectionMin);
  return 30_000 + (requests / perSecond) * 1_000;
}

const ohaReport = Type.Object({
  summary: Type.Object({ total: Type.Number() }),
  statusCodeDistribution: Type.Record(Type.String(), Type.Integer()),
  errorDistribution: Type.Record(Type.String(), Type.Integer()),
});

/** The command that sends a load: HTTP/1.1, bounded in requests and in time for each of them. */
export function ohaCommand({ url, requests, connections }: Load): string[] {
  const bounds = `-n ${requests} -c ${connections} -t ${requestTimeoutSeconds}s`;
  const form = "--no-tui --output-format json --disable-compression -m POST";
  return ["oha", ...form.split(" "), ...bounds.split(" "), url];
}

/** Sends POST requests with oha: HTTP/1.1, connections kept alive, one request at a time on each. */
export async function runOha(workshop: Workshop, load: Load): Promise<LoadReport> {
  const { url, requests } = load;
  const printed = await workshop.run(
    {
      name: "oha",
      command: ohaCommand(load),
    },
    loadLimitMs(requests, load.connections),
  );
  const report = Value.Parse(ohaReport, JSON.parse(printed));
  const errors = Object.entries(report.errorDistribution);
  if (errors.length > 0) {
    const counts = errors.map(([what, count]) => `${count} x ${what}`).join("; ");
    throw new Error(`${url}: not every request was answered: ${counts}`);
  }
  return { requests, seconds: report.summary.total, statuses: report.statusCodeDistribution };
}

/** Throws unless every answer had the status that the measured path gives. */
export function demandStatus(report: LoadReport, status: number): void {
  if (report.statuses[status] !== report.requests) {
    const seen = JSON.stringify(report.statuses);
    throw new Error(`every answer should have been ${status}, but they were ${seen}`);
  }
}
