import { SaleOperations } from "../../src/ledger/operations.ts";
import { CommandError } from "../../src/operator/command.ts";
import { listSession, signalProcess } from "../host/process-table.ts";
import { type ReportLine } from "../host/report-line.ts";
import type { GeneratorName } from "../load/generator.ts";
import { withFault } from "../report/report.ts";
import { type ReportedLoad, runReportedLoad } from "../report/reported-load.ts";
import { findDatabase } from "../stack/addresses.ts";
import type { StackOptions } from "../stack/options.ts";
import { readRecord } from "../stack/record.ts";
import { paymentSecretOf } from "../stack/secret.ts";
import { type Stack, startStack, stopStack } from "../stack/stack.ts";
import { awaitOnSale } from "./on-sale.ts";
import { Progress } from "./progress.ts";
import { Resale } from "./resale.ts";

export interface DemoOptions {
  readonly stack: StackOptions;
  readonly tickets: number;
  readonly requests: number;
  readonly connections: number;
  readonly holdSeconds: number;
  /** Share of the buyers that pay, from 0 to 1; null: orders stay held. */
  readonly payShare: number | null;
  /** Decides who pays. */
  readonly seed: number;
  readonly generator: GeneratorName;
}

const timeoutSeconds = 5;

/**
 * The main job from end to end: starts a stack that begins with nothing, opens a sale, sends a
 * crowd at Nginx, and stops everything again, however it went.
 */
export async function runDemo(
  options: DemoOptions,
  print: ReportLine,
  signal: AbortSignal,
): Promise<ReportedLoad> {
  const { stateDir, sale } = options.stack;
  const stack = await startStack(options.stack, print);
  try {
    goOn(signal);
    await openSale(stack.redisUrl, options);
    await awaitOnSale(stack.nodes, sale);
    print(`sale ${sale} is open: ${options.tickets} tickets`);
    goOn(signal);
    return checkSellOut(await sell(stack, options, print, signal), options);
  } finally {
    await stopStack(stateDir);
    print("everything is stopped");
  }
}

/** Ends what is left of a stack without waiting for it. */
export function killStack(stateDir: string): void {
  for (const { identity } of readRecord(stateDir)?.processes ?? []) {
    for (const pid of listSession(identity)) {
      signalProcess(pid, "SIGKILL");
    }
  }
}

async function openSale(redisUrl: string, options: DemoOptions): Promise<void> {
  const { sale } = options.stack;
  const { tickets: total, holdSeconds } = options;
  const operations = new SaleOperations(redisUrl);
  try {
    await operations.create({ sale, total, limit: 0, holdMs: holdSeconds * 1_000, opensAtMs: 0 });
    await operations.setState(sale, "open");
  } finally {
    operations.close();
  }
}

async function sell(
  stack: Stack,
  options: DemoOptions,
  print: ReportLine,
  signal: AbortSignal,
): Promise<ReportedLoad> {
  const { tickets, requests, connections, generator } = options;
  const { sale } = options.stack;
  const { redisUrl, url } = stack;
  const extent = { requests };
  const buyUrl = `${url}/buy/ticket`;
  const crowd = { url: buyUrl, body: null, extent, connections, timeoutSeconds };
  const statusUrl = `${stack.statusUrl}/nginx-status`;
  print(`sending ${requests} requests on ${connections} connections to ${crowd.url}`);
  const resale = beginResale(stack, options);
  const next =
    resale === null
      ? "counting the answers and auditing the books"
      : "counting the answers, then selling on until every ticket is paid for";
  const progress = new Progress({ redisUrl, sale, statusUrl, requests, tickets, next });
  try {
    const database = findDatabase(redisUrl, stack);
    const surroundings = { nodes: stack.nodes, ledger: { redisUrl, sale, database }, sale };
    const load = { ...crowd, ratePerSecond: null, generator };
    return await runReportedLoad(load, surroundings, signal, async () => {
      await progress.stop();
      return (await resale?.settle(print, signal)) ?? null;
    });
  } finally {
    await progress.stop();
    await resale?.close();
  }
}

function beginResale(stack: Stack, options: DemoOptions): Resale | null {
  const { payShare: share, holdSeconds, seed } = options;
  if (share === null) {
    return null;
  }
  const { stateDir, sale } = options.stack;
  const { url, redisUrl } = stack;
  const secret = paymentSecretOf(stateDir);
  const buyUrl = `${url}/buy/ticket`;
  return new Resale({ url, redisUrl, sale, secret, share, seed, holdSeconds, buyUrl });
}

/** More requests than tickets, and nobody else who buys: then they were sold out at some time. */
function checkSellOut(load: ReportedLoad, { tickets, requests }: DemoOptions): ReportedLoad {
  const { report, details } = load;
  const left = report.books?.left ?? null;
  if (requests <= tickets || left === 0 || report.timeToSellOutMs !== null) {
    return load;
  }
  const fault = `${left} of ${tickets} tickets are left after ${requests} requests: undersold`;
  return { report: withFault(report, fault), details };
}

function goOn(signal: AbortSignal): void {
  if (signal.aborted) {
    throw new CommandError("the demo was called off");
  }
}
