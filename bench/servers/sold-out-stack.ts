import type { Bench } from "../measure.ts";
import { demandStatus, runOha } from "../oha.ts";
import { openSale } from "../sales.ts";
import { type BenchStack, startBenchStack } from "./stack.ts";

const tickets = 10_000;

/** The embedded stack after the last ticket; `url` is where the crowd goes on asking. */
export async function startSoldOutStack(bench: Bench): Promise<BenchStack & { url: string }> {
  const { workshop, options } = bench;
  const started = await startBenchStack(workshop);
  const { redisUrl, nodes } = started.stack;
  await openSale(
    redisUrl,
    "bench-0",
    tickets,
    nodes.map((node) => node.url),
  );
  const url = `${started.stack.url}/buy/ticket`;
  const { connections } = options;
  demandStatus(await runOha(workshop, { url, requests: tickets, connections }), 201);
  // Each of the nodes hears of it: a round of the weights is ten requests.
  demandStatus(await runOha(workshop, { url, requests: 1_000, connections }), 410);
  return { ...started, url };
}
