import type { Bench } from "./measure.ts";
import { demandStatus, type LoadReport, runOha } from "./oha.ts";
import { readLoad, type Servers } from "./reading.ts";
import type { RatioResult, Reading } from "./result.ts";
import { compare, type Side } from "./side-by-side.ts";

/** Where a load goes and what has to come back. */
export interface LoadedSide {
  readonly name: string;
  readonly url: string;
  readonly status: number;
  /** The processes whose time is counted. */
  readonly servers: Servers;
}

export interface LoadComparison {
  readonly id: string;
  readonly what: string;
  readonly atLeast: number | null;
  readonly ours: LoadedSide;
  readonly other: LoadedSide;
  readonly requests: number;
  /** Fewer for a side that is much slower than ours. */
  readonly otherRequests?: number;
  readonly notes: readonly string[];
  /** The load generator; oha unless given. */
  readonly generate?: Generate;
}

export type Generate = (bench: Bench, url: string, requests: number) => Promise<LoadReport>;

const withOha: Generate = ({ workshop, options }, url, requests) =>
  runOha(workshop, { url, requests, connections: options.connections });

/** Warms both sides up, then measures them by turns. */
export async function compareLoads(bench: Bench, plan: LoadComparison): Promise<RatioResult> {
  const generate = plan.generate ?? withOha;
  const side = ({ name, url, status, servers }: LoadedSide, requests: number): Side => ({
    name,
    measure: () =>
      readLoad(servers, async () => {
        const report = await generate(bench, url, requests);
        demandStatus(report, status);
        return report;
      }),
  });
  const ours = side(plan.ours, plan.requests);
  const other = side(plan.other, plan.otherRequests ?? plan.requests);
  // A first load of the same size each, not counted: Bun compiles what is hot only after a while.
  bench.print(`${plan.id}: warming up`);
  await ours.measure(0);
  await other.measure(0);
  const { rounds } = bench.options;
  const onRound = (round: number, own: Reading, theirs: Reading) =>
    bench.print(
      `${plan.id}: round ${round} of ${rounds}: ${Math.round(own.perSecond)}/s against ` +
        `${Math.round(theirs.perSecond)}/s = ${(own.perSecond / theirs.perSecond).toFixed(3)}`,
    );
  return compare({ ...plan, ours, other }, rounds, onRound);
}

/**
 * Sizes of both sides' answers, header and body; throws if they differ by more than a twentieth,
 * since then a part of the ratio would be the price of the bytes.
 */
export async function compareAnswers(ours: string, other: string): Promise<string> {
  const [own, theirs] = await Promise.all([answerBytes(ours), answerBytes(other)]);
  if (Math.abs(own - theirs) > theirs / 20) {
    throw new Error(
      `${ours} answers ${own} bytes, ${other} ${theirs}: bring bench/servers/answers.ts up to date`,
    );
  }
  return `answers of ${own} bytes against ${theirs}, header and body`;
}

async function answerBytes(url: string): Promise<number> {
  const response = await fetch(url, { method: "POST" });
  const body = await response.arrayBuffer();
  let header = 0;
  for (const [name, value] of response.headers) {
    header += name.length + value.length + 4;
  }
  return header + body.byteLength;
}
