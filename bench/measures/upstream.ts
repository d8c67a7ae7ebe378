import { type Measure, scaled } from "../measure.ts";
import { demandStatus, runOha } from "../oha.ts";
import { startSoldOutStack } from "../servers/sold-out-stack.ts";
import { spreadOf } from "../statistics.ts";
import { targets } from "../targets.ts";

/** How many of the crowd's requests still reach a node after the last ticket, at full load. */
export const measureUpstream: Measure = async (bench) => {
  const { workshop, options, print } = bench;
  const { stack, url, stop } = await startSoldOutStack(bench);
  const nodeUrls = stack.nodes.map((node) => node.url);
  const rates: number[] = [];
  const crowd: number[] = [];
  const seconds: number[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const requests = scaled(bench, 400_000);
    const counting = new SecondCounter(nodeUrls);
    await counting.start();
    const report = await runOha(workshop, { url, requests, connections: options.connections });
    const seen = await counting.stop();
    demandStatus(report, 410);
    rates.push(seen.total / report.seconds);
    crowd.push(requests / report.seconds);
    seconds.push(...seen.wholeSeconds);
    print(`upstream: round ${round} of ${options.rounds}: ${seen.total} of ${requests} requests`);
  }
  await stop();
  const crowdRate = Math.round(spreadOf(crowd).median);
  return [
    {
      kind: "figure",
      id: "upstream",
      what: "requests that reach a node after the last ticket",
      unit: "/s",
      atMost: targets.upstreamPerSecondMax,
      figure: spreadOf(rates),
      notes: [
        `of ${crowdRate} requests/s of the crowd; counted by the four nodes' own metrics`,
        `second by second: ${seconds.join(" ")}`,
      ],
    },
  ];
};

/** Reads the nodes' counters of purchase requests, once a second. */
class SecondCounter {
  readonly #urls: readonly string[];
  readonly #counts: number[] = [];
  #timer: ReturnType<typeof setInterval> | null = null;
  #reading: Promise<void> = Promise.resolve();

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  async start(): Promise<void> {
    await this.#read();
    this.#timer = setInterval(() => {
      this.#reading = this.#reading.then(() => this.#read());
    }, 1_000);
  }

  async stop(): Promise<{ total: number; wholeSeconds: number[] }> {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
    }
    await this.#reading;
    // The last one, at the end of the load, closes a part of a second.
    const whole = this.#counts.slice(1).map((count, i) => count - (this.#counts[i] ?? 0));
    await this.#read();
    return { total: (this.#counts.at(-1) ?? 0) - (this.#counts[0] ?? 0), wholeSeconds: whole };
  }

  async #read(): Promise<void> {
    const texts = await Promise.all(
      this.#urls.map((url) => fetch(`${url}/metrics`).then((response) => response.text())),
    );
    this.#counts.push(texts.reduce((sum, text) => sum + purchaseCount(text), 0));
  }
}

function purchaseCount(metrics: string): number {
  const samples = metrics.matchAll(/^sluice_requests_total\{[^}]*\} (\d+)$/gm);
  return [...samples].reduce((sum, sample) => sum + Number(sample[1]), 0);
}
