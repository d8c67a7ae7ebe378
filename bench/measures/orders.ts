import { join } from "node:path";

import { orderGroup, saleKeys } from "../../src/ledger/keys.ts";
import { makeHolds } from "../holds.ts";
import { type Bench, type Measure, scaled } from "../measure.ts";
import { loadLimitMs } from "../oha.ts";
import { readLoad, type Servers } from "../reading.ts";
import type { Reading, Result } from "../result.ts";
import { openSale } from "../sales.ts";
import { BenchPostgres, postgresMissing } from "../servers/postgres.ts";
import { BenchRedis } from "../servers/redis.ts";
import { startWorker } from "../servers/worker.ts";
import { compare, type Side } from "../side-by-side.ts";
import { spreadOf } from "../statistics.ts";
import { StoredSerials } from "../stored-serials.ts";
import { targets } from "../targets.ts";

const sale = "bench-0";
const lookEveryMs = 10;

interface Store {
  readonly name: string;
  readonly servers: Servers;
  /** Makes an empty database and returns its address. */
  readonly make: (round: number) => Promise<string>;
}

/** Orders a second from a full stream into the database, by one worker; PostgreSQL and SQLite. */
export const measureOrders: Measure = async (bench) => {
  const { workshop } = bench;
  const orders = scaled(bench, 200_000);
  const redis = await BenchRedis.start(workshop, "orders-redis");
  await openSale(redis.url, sale, orders);
  await makeHolds(redis.client, sale, orders);
  bench.print(`orders: ${orders} orders are in the stream`);
  const sqlite = {
    name: "sqlite",
    servers: {},
    make: (round: number) =>
      Promise.resolve(`sqlite://${join(workshop.folder, `orders-${round}.sqlite`)}`),
  };
  const notes = [
    "an absolute figure of this machine; the same stream each time, a new process, an empty table",
    `${orders} orders, from the first that is stored to the last; afterwards each is there once`,
    `Redis ${redis.version}; files on ${await workshop.fileSystem()}`,
  ];
  const postgres = await BenchPostgres.start(workshop, "orders-postgres");
  const results =
    postgres === null
      ? await measureAlone(bench, sideOf(bench, redis, orders, sqlite), notes)
      : await measureBoth(bench, {
          ours: sideOf(bench, redis, orders, {
            name: "postgres",
            servers: { postgres: [postgres.pid] },
            make: () => postgres.createDatabase(),
          }),
          other: sideOf(bench, redis, orders, sqlite),
          notes: [...notes, `PostgreSQL ${postgres.version}, on a Unix socket, its own settings`],
        });
  await postgres?.stop(workshop);
  await redis.stop(workshop);
  return results;
};

async function measureBoth(
  bench: Bench,
  sides: { readonly ours: Side; readonly other: Side; readonly notes: readonly string[] },
): Promise<Result[]> {
  const { rounds } = bench.options;
  const ratio = await compare(
    {
      ...sides,
      id: "ordersSqlite",
      what: "orders into PostgreSQL against SQLite, one worker",
      atLeast: null,
    },
    rounds,
    (round, ours, other) =>
      bench.print(
        `orders: round ${round} of ${rounds}: ${Math.round(ours.perSecond)}/s into PostgreSQL, ` +
          `${Math.round(other.perSecond)}/s into SQLite`,
      ),
  );
  const request = "a request, above, is an order; looking into the database is in the time of each";
  return [
    {
      kind: "figure",
      id: "orders",
      what: "orders from the stream to PostgreSQL, one worker",
      unit: "/s",
      atMost: null,
      atLeast: targets.ordersPerSecondMin,
      figure: ratio.ours.perSecond,
      notes: sides.notes,
    },
    { ...ratio, notes: [request, ...ratio.notes] },
  ];
}

async function measureAlone(
  { options, print }: Bench,
  side: Side,
  notes: readonly string[],
): Promise<Result[]> {
  print(`orders: SQLite alone. ${postgresMissing}`);
  const rates: number[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const { perSecond } = await side.measure(round);
    rates.push(perSecond);
    print(`orders: round ${round} of ${options.rounds}: ${Math.round(perSecond)}/s into SQLite`);
  }
  return [
    {
      kind: "figure",
      id: "ordersSqlite",
      what: "orders from the stream to SQLite, one worker",
      unit: "/s",
      atMost: null,
      figure: spreadOf(rates),
      notes: [...notes, `PostgreSQL was not measured. ${postgresMissing}`],
    },
  ];
}

function sideOf({ workshop }: Bench, redis: BenchRedis, orders: number, store: Store): Side {
  return {
    name: store.name,
    measure: async (round): Promise<Reading> => {
      const database = await store.make(round);
      // Without a group a worker begins with the oldest entry.
      await redis.client.xgroup("DESTROY", saleKeys(sale).events, orderGroup);
      const name = `orders-${store.name}-${round}`;
      const worker = await startWorker(workshop, name, { redisUrl: redis.url, database });
      const stored = new StoredSerials(database, sale);
      const looks = { everyMs: lookEveryMs, limitMs: loadLimitMs(orders) };
      try {
        const first = await stored.until(1, looks);
        const servers = { worker: [worker.pid], redis: [redis.pid], ...store.servers };
        const reading = await readLoad(servers, async () => {
          const startMs = performance.now();
          const last = await stored.until(orders, looks);
          return { requests: last - first, seconds: (performance.now() - startMs) / 1_000 };
        });
        await stored.demandAll(orders);
        return reading;
      } finally {
        await stored.close();
        await workshop.end(worker);
      }
    },
  };
}
