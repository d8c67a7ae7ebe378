import type { Redis } from "ioredis";

import { saleKeys } from "../../src/ledger/keys.ts";
import { readEntry } from "../../src/ledger/outbox/entry.ts";
import { makeHolds, makeHoldsAtPace } from "../holds.ts";
import { type Bench, type Measure, scaled } from "../measure.ts";
import { loadLimitMs } from "../oha.ts";
import { readLoad } from "../reading.ts";
import type { Reading, Result } from "../result.ts";
import { openSale } from "../sales.ts";
import { BenchPostgres, postgresMissing } from "../servers/postgres.ts";
import { BenchRedis } from "../servers/redis.ts";
import { startWorker } from "../servers/worker.ts";
import { quantile, spreadOf } from "../statistics.ts";
import { StoredSerials } from "../stored-serials.ts";

const sale = "bench-0";
const perSecond = 10_000;
const lookEveryMs = 2;
/** Entries of the stream that are read at a time. */
const pageEntries = 5_000;

/** When somebody looked into the database, and the highest serial there. */
interface Look {
  readonly atMs: number;
  readonly highest: number;
}

interface Round {
  readonly reading: Reading;
  /** Holds a second that were made in fact. */
  readonly pace: number;
  readonly lagsMs: readonly number[];
}

/** How long an order is on its way from the ledger to PostgreSQL while 10 thousand/s are sold. */
export const measurePipelineLag: Measure = async (bench) => {
  const { workshop, options, print } = bench;
  const postgres = await BenchPostgres.start(workshop, "lag-postgres");
  if (postgres === null) {
    throw new Error(postgresMissing);
  }
  const holds = scaled(bench, 50_000);
  const redis = await BenchRedis.start(workshop, "lag-redis");
  await openSale(redis.url, sale, 1 + options.rounds * holds);
  const database = await postgres.createDatabase();
  const worker = await startWorker(workshop, "lag-worker", { redisUrl: redis.url, database });
  const stored = new StoredSerials(database, sale);
  // A worker takes up to a second to notice a new sale, which is not what is asked for.
  await makeHolds(redis.client, sale, 1);
  await stored.until(1, { everyMs: lookEveryMs, limitMs: loadLimitMs(1) });
  const servers = { worker: [worker.pid], redis: [redis.pid], postgres: [postgres.pid] };
  const rounds: Round[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const before = 1 + (round - 1) * holds;
    const measured = await measureRound(redis.client, stored, servers, before, holds);
    rounds.push(measured);
    print(
      `pipelineLag: round ${round} of ${options.rounds}: at ${Math.round(measured.pace)} holds/s ` +
        [0.5, 0.99, 1].map((part) => quantile(measured.lagsMs, part).toFixed(0)).join(", ") +
        " ms (p50, p99, longest)",
    );
  }
  await stored.demandAll(1 + options.rounds * holds);
  await stored.close();
  await workshop.end(worker);
  await redis.stop(workshop);
  await postgres.stop(workshop);
  return resultsOf(bench, holds, rounds, postgres.version);
};

async function measureRound(
  client: Redis,
  stored: StoredSerials,
  servers: Record<string, readonly number[]>,
  before: number,
  holds: number,
): Promise<Round> {
  const looks: Look[] = [];
  let makingSeconds = 0;
  const reading = await readLoad(servers, async () => {
    const startMs = performance.now();
    const making = makeHoldsAtPace(client, sale, { count: holds, perSecond });
    const limits = { everyMs: lookEveryMs, limitMs: loadLimitMs(holds) };
    const seeing = stored.until(before + holds, limits, (highest) => {
      looks.push({ atMs: Date.now(), highest });
    });
    [makingSeconds] = await Promise.all([making, seeing]);
    return { requests: holds, seconds: (performance.now() - startMs) / 1_000 };
  });
  const soldAtMs = await readSoldAtMs(client, before);
  if (soldAtMs.size !== holds) {
    throw new Error(`the stream has ${soldAtMs.size} of ${holds} orders`);
  }
  return { reading, pace: holds / makingSeconds, lagsMs: lagsOf(soldAtMs, looks) };
}

/** By serial, above `before`: the millisecond of the entry's id, which is of the ledger's clock. */
async function readSoldAtMs(client: Redis, before: number): Promise<Map<number, number>> {
  const soldAtMs = new Map<number, number>();
  let start = "-";
  for (;;) {
    const key = saleKeys(sale).events;
    const page = await client.xrange(key, start, "+", "COUNT", pageEntries);
    for (const [id, fields] of page) {
      const entry = readEntry({ sale, id, fields });
      for (const record of entry.kind === "orders" ? entry.records : []) {
        if (record !== null && record.serial > before) {
          soldAtMs.set(record.serial, Number(id.split("-")[0]));
        }
      }
    }
    const last = page.at(-1);
    if (last === undefined) {
      return soldAtMs;
    }
    start = `(${last[0]}`;
  }
}

/** From the entry to the first look that saw its order, or a later one, in the database. */
function lagsOf(soldAtMs: ReadonlyMap<number, number>, looks: readonly Look[]): number[] {
  const lags: number[] = [];
  let next = 0;
  for (const [serial, atMs] of [...soldAtMs].sort(([a], [b]) => a - b)) {
    while (next < looks.length - 1 && (looks[next]?.highest ?? 0) < serial) {
      next += 1;
    }
    lags.push((looks[next]?.atMs ?? Number.NaN) - atMs);
  }
  return lags;
}

function resultsOf(
  { options }: Bench,
  holds: number,
  rounds: readonly Round[],
  version: string,
): Result[] {
  const cpu = ["worker", "redis", "postgres"].map((name) => {
    const micros = spreadOf(rounds.map(({ reading }) => reading.cpuMicros[name] ?? 0)).median;
    return `${name} ${micros.toFixed(1)}`;
  });
  const paces = rounds.map(({ pace }) => Math.round(pace));
  const others = spreadOf(rounds.map(({ reading }) => reading.othersShare)).median;
  const notes = [
    `an absolute figure of this machine: ${holds} holds a round through hold.lua, made at ` +
      `${paces.join(", ")}/s; one worker, PostgreSQL ${version}, a commit a batch`,
    `seen by a look into the database each ${lookEveryMs} ms, which is in the lag`,
    `processor time an order, microseconds: ${cpu.join(", ")}`,
    `other programs meanwhile took ${Math.round(others * 100)} % of all cores`,
  ];
  const parts = [
    { id: "P50", part: 0.5, name: "median" },
    { id: "P99", part: 0.99, name: "99th percentile" },
    { id: "Max", part: 1, name: "longest" },
  ];
  return parts.map(({ id, part, name }, index) => ({
    kind: "figure",
    id: `pipelineLag${id}`,
    what: `from sold to stored at ${perSecond} holds/s, ${name}`,
    unit: "ms",
    atMost: null,
    figure: spreadOf(rounds.map(({ lagsMs }) => quantile(lagsMs, part))),
    notes: index === 0 ? notes : [`of ${options.rounds} rounds, as above`],
  }));
}
