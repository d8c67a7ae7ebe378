import { join } from "node:path";

import type { Bench } from "../measure.ts";
import { cpuMicrosOf } from "../process-costs.ts";
import type { FigureResult, TableResult, TableRow } from "../result.ts";
import { openSale } from "../sales.ts";
import { startNode } from "../servers/node.ts";
import { BenchRedis } from "../servers/redis.ts";
import { startWorker } from "../servers/worker.ts";
import { spreadOf } from "../statistics.ts";
import { targets } from "../targets.ts";

const salesCounts = [1, 300] as const;
const windowsMax = 3;
const windowMs = 10_000;
const windowMinMs = 1_000;
/** A worker takes up to a second to notice a new sale, and what a start leaves behind ends. */
const settleMs = 2_000;
/**
 * What is called five times a second is compiled within the first minute, which takes as long as
 * running it. Programs are idle for days.
 */
const warmUpMs = 60_000;

/** Processor time of one window, in milliseconds a second, by process. */
export type IdleWindow = Readonly<Record<"node" | "redis" | "worker", number>>;

export interface IdleReading {
  readonly sales: number;
  /** Sales that the node was asked for once and then holds, as it does up to a limit of its own. */
  readonly onNode: number;
  readonly windows: readonly IdleWindow[];
}

/** What node, Redis and worker take while sales are open and nobody asks. */
export async function readIdle(bench: Bench): Promise<IdleReading[]> {
  const { workshop, options, print } = bench;
  const redis = await BenchRedis.start(workshop, "idle-redis");
  await redis.prepareForPrimary();
  await openSale(redis.url, saleName(0), 1_000);
  const settings = {
    redis,
    sale: saleName(0),
    durability: "primary",
    profileFolder: null,
  } as const;
  const node = await startNode(workshop, "idle-node", settings);
  const database = `sqlite://${join(workshop.folder, "idle.sqlite")}`;
  const worker = await startWorker(workshop, "idle-worker", { redisUrl: redis.url, database });
  const pids = { node: node.pid, redis: redis.pid, worker: worker.pid };
  const lengthMs = Math.max(windowMinMs, windowMs * options.scale);
  const readings: IdleReading[] = [];
  await Bun.sleep(warmUpMs * Math.min(1, options.scale));
  let made = 1;
  for (const sales of salesCounts) {
    for (; made < sales; made += 1) {
      await openSale(redis.url, saleName(made), 1_000);
    }
    const onNode = await askForAll(node.url, sales);
    await Bun.sleep(settleMs);
    const windows: IdleWindow[] = [];
    for (let window = 0; window < Math.min(windowsMax, options.rounds); window += 1) {
      windows.push(await readWindow(pids, lengthMs));
    }
    readings.push({ sales, onNode, windows });
    print(
      `cost: idle with ${sales} open sales, ${onNode} of them at the node: ` +
        `${windows.length} windows`,
    );
  }
  await workshop.end(node.process);
  await workshop.end(worker);
  await redis.stop(workshop);
  return readings;
}

function saleName(index: number): string {
  return `idle-${index}`;
}

/** A node takes a sale up when it is first asked for it; how many it has taken up. */
async function askForAll(url: string, sales: number): Promise<number> {
  let open = 0;
  for (let index = 0; index < sales; index += 1) {
    const answer = await fetch(`${url}/sales/${saleName(index)}`);
    const text = await answer.text();
    open += answer.ok && text.includes('"state":"open"') ? 1 : 0;
  }
  return open;
}

async function readWindow(
  pids: Readonly<Record<keyof IdleWindow, number>>,
  lengthMs: number,
): Promise<IdleWindow> {
  const startMs = performance.now();
  const micros = () => ({
    node: cpuMicrosOf(pids.node),
    redis: cpuMicrosOf(pids.redis),
    worker: cpuMicrosOf(pids.worker),
  });
  const before = micros();
  await Bun.sleep(lengthMs);
  const after = micros();
  const seconds = (performance.now() - startMs) / 1_000;
  const perSecond = (name: keyof IdleWindow) => (after[name] - before[name]) / 1_000 / seconds;
  return { node: perSecond("node"), redis: perSecond("redis"), worker: perSecond("worker") };
}

/** The table, and the figures against their aims: many sales are to cost no more than one. */
export function idleResults(readings: readonly IdleReading[]): (FigureResult | TableResult)[] {
  const spread = (reading: IdleReading, name: keyof IdleWindow) =>
    spreadOf(reading.windows.map((window) => window[name]));
  const rows = readings.map((reading): TableRow => ({
    name: `${reading.sales}`,
    cells: {
      node: spread(reading, "node"),
      redis: spread(reading, "redis"),
      worker: spread(reading, "worker"),
    },
  }));
  const figure = (reading: IdleReading, name: "node" | "worker", atMost: number) => ({
    kind: "figure" as const,
    id: `idle${name === "node" ? "Node" : "Worker"}${reading.sales}`,
    what: `idle ${name}, open sales: ${reading.sales}`,
    unit: "ms/s",
    atMost,
    figure: spread(reading, name),
    notes: [],
  });
  const titles = { node: "node", redis: "Redis", worker: "worker" };
  return [
    ...readings.flatMap((reading) => [
      figure(reading, "node", targets.idleNodeMillisMax),
      figure(reading, "worker", targets.idleWorkerMillisMax),
    ]),
    {
      kind: "table",
      id: "idle",
      what: "processor time while nobody asks, milliseconds a second (medians)",
      of: "open sales",
      columns: Object.entries(titles).map(([key, title]) => ({ key, title, range: true })),
      rows,
      notes: readings.map(
        ({ sales, onNode, windows }) =>
          `${sales} open: the node had taken up ${onNode}, as it does when it is first asked; ` +
          `${windows.length} windows`,
      ),
    },
  ];
}
