import { rm } from "node:fs/promises";
import { join } from "node:path";

import { SaleOperations } from "../../src/ledger/operations.ts";
import { runKeyedLoad } from "../keyed-load.ts";
import type { Bench } from "../measure.ts";
import { demandStatus, loadLimitMs, type LoadReport } from "../oha.ts";
import { readLoad, type Servers } from "../reading.ts";
import type { RedisSize } from "../redis-size.ts";
import { replaysAmong } from "../replay-schedule.ts";
import type { Reading } from "../result.ts";
import { openSale } from "../sales.ts";
import { type BenchNode, startNode } from "../servers/node.ts";
import type { BenchPostgres } from "../servers/postgres.ts";
import { BenchRedis } from "../servers/redis.ts";
import { startWorker } from "../servers/worker.ts";
import { StoredSerials } from "../stored-serials.ts";
import type { Process } from "../workshop.ts";
import type { Path } from "./plan.ts";

/** The default sale of the node, in a Redis and a database that are new with each stack. */
const sale = "bench-0";
/** Far more than is asked for, so that nothing of the end of a sale is in the figures. */
const stock = 100_000_000;
const lookEveryMs = 20;
/** Redis is at rest when its file grew by no more than heartbeats between two looks. */
const restBytes = 1_024;
const restEveryMs = 50;
const restLimitMs = 5_000;

interface Parts {
  readonly redis: BenchRedis;
  readonly node: BenchNode;
  readonly worker: Process;
  /** As SLUICE_DATABASE takes it. */
  readonly database: string;
}

/** What a load did to the whole path, per ticket that it sold. */
export interface PathReading extends Reading {
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

/**
 * Everything that a sold ticket passes, each a process of its own: one node, Redis that fsyncs
 * before it answers, one order worker and its database. One sale, which nobody else knows of.
 */
export class PathStack {
  readonly #bench: Bench;
  readonly #path: Path;
  readonly #redis: BenchRedis;
  readonly #node: BenchNode;
  readonly #worker: Process;
  readonly #servers: Servers;
  readonly #stored: StoredSerials;
  readonly #database: string;
  #sold = 0;

  private constructor(bench: Bench, path: Path, parts: Parts, postgres: BenchPostgres | null) {
    this.#bench = bench;
    this.#path = path;
    this.#redis = parts.redis;
    this.#node = parts.node;
    this.#worker = parts.worker;
    this.#servers = {
      node: [parts.node.pid],
      redis: [parts.redis.pid],
      worker: [parts.worker.pid],
      ...(postgres === null ? {} : { postgres: [postgres.pid] }),
    };
    this.#database = parts.database;
    this.#stored = new StoredSerials(parts.database, sale);
  }

  /** Starts all of it; `postgres` is where the orders go, null for a file of SQLite. */
  static async start(
    bench: Bench,
    name: string,
    path: Path,
    postgres: BenchPostgres | null,
  ): Promise<PathStack> {
    const { workshop, options } = bench;
    const redis = await BenchRedis.start(workshop, `${name}-redis`);
    await redis.prepareForPrimary();
    await redis.keepFileAsWritten();
    await openSale(redis.url, sale, stock, [], { limit: path.variant.limit });
    const { profileFolder } = options;
    const settings = { redis, sale, durability: "primary", profileFolder } as const;
    const node = await startNode(workshop, `${name}-node`, settings);
    const database =
      postgres === null
        ? `sqlite://${join(workshop.folder, `${name}.sqlite`)}`
        : await postgres.createDatabase();
    const where = { redisUrl: redis.url, database };
    const worker = await startWorker(workshop, `${name}-worker`, where);
    return new PathStack(bench, path, { redis, node, worker, database }, postgres);
  }

  get redisVersion(): string {
    return this.#redis.version;
  }

  /**
   * Sells, waits until all that was sold is stored and Redis is at rest, and divides what that took
   * by the tickets. Throws if ledger, database and load do not agree on how many there are.
   */
  async measure(requests: number, connections: number): Promise<PathReading> {
    const before = await this.#redis.size();
    let after = before;
    const reading = await readLoad(this.#servers, async () => {
      const { report, tickets } = await this.#sell(requests, connections);
      after = await this.#untilAtRest();
      return { requests: tickets, seconds: report.seconds };
    });
    await this.#demandAgreement();
    return {
      ...reading,
      fileBytes: (after.fileBytes - before.fileBytes) / reading.requests,
      memoryBytes: (after.memoryBytes - before.memoryBytes) / reading.requests,
    };
  }

  async stop(): Promise<void> {
    const { workshop } = this.#bench;
    await this.#stored.close();
    await workshop.end(this.#node.process);
    await workshop.end(this.#worker);
    await this.#redis.stop(workshop);
    await deleteSqlite(this.#database);
  }

  async #sell(
    requests: number,
    connections: number,
  ): Promise<{ report: LoadReport; tickets: number }> {
    const { headers, replayEvery } = this.#path.variant;
    const url = `${this.#node.url}/buy/ticket`;
    const load = { url, requests, connections, headers, replayEvery };
    const report = await runKeyedLoad(this.#bench.workshop, load);
    demandStatus(report, 201);
    const tickets = requests - replaysAmong(requests, replayEvery);
    this.#sold += tickets;
    const looks = { everyMs: lookEveryMs, limitMs: loadLimitMs(requests) };
    await this.#stored.untilCount(this.#sold, looks);
    return { report, tickets };
  }

  /** The worker still acknowledges the last of what it stored. */
  async #untilAtRest(): Promise<RedisSize> {
    const lastMs = performance.now() + restLimitMs;
    let before = await this.#redis.size();
    for (;;) {
      await Bun.sleep(restEveryMs);
      const now = await this.#redis.size();
      if (now.fileBytes - before.fileBytes <= restBytes) {
        return now;
      }
      if (performance.now() > lastMs) {
        const grown = now.fileBytes - before.fileBytes;
        throw new Error(
          `everything is stored, but Redis still writes after ${restLimitMs} ms: ` +
            `${grown} bytes in the last ${restEveryMs} ms`,
        );
      }
      before = now;
    }
  }

  async #demandAgreement(): Promise<void> {
    const operations = new SaleOperations(this.#redis.url);
    try {
      const snapshot = await operations.read(sale);
      if (snapshot?.held !== this.#sold) {
        const held = snapshot?.held ?? "no sale";
        throw new Error(`the load bought ${this.#sold} tickets, the ledger holds ${held}`);
      }
    } finally {
      operations.close();
    }
    await this.#stored.demandAll(this.#sold);
  }
}

/** The file and its journals; nothing where the database is another. */
async function deleteSqlite(database: string): Promise<void> {
  const path = /^sqlite:\/\/(.+)$/.exec(database)?.[1];
  if (path !== undefined) {
    await Promise.all(["", "-wal", "-shm"].map((end) => rm(`${path}${end}`, { force: true })));
  }
}
