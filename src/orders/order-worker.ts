import type { Logger } from "pino";

import type { ConnectionOptions } from "../ledger/connection.ts";
import { StreamGroup } from "../ledger/outbox/group.ts";
import { StreamReader } from "../ledger/outbox/reader.ts";
import { backoffMs } from "../process/backoff.ts";
import { FaultLog } from "../process/fault-log.ts";
import { release } from "../process/release.ts";
import type { WorkerConfig } from "./config.ts";
import { Consumer } from "./consumer.ts";
import { describeDatabase } from "./database-address.ts";
import { Database, DatabaseError } from "./database.ts";
import { HealthServer } from "./health-server.ts";
import { Housekeeper } from "./housekeeping.ts";
import { Lags } from "./lags.ts";
import { WorkerMetrics } from "./metrics.ts";
import { migrate, migrations } from "./migrate.ts";
import { OrderStore, type Poison } from "./order-store.ts";
import { Pause } from "./pause.ts";
import { Sales } from "./sales.ts";
import { Sweeper } from "./sweeper.ts";

/** Pause between two attempts to migrate while the database is away, the first and the longest. */
const migrateRetryMinMs = 100;
const migrateRetryMaxMs = 2_000;
/** For a migration of a large table; other statements have the bound of the configuration. */
const migrateTimeoutMs = 3_600_000;

/** An order worker: its parts, put together. */
export class OrderWorker {
  readonly #config: WorkerConfig;
  readonly #log: Logger;
  readonly #faults: FaultLog;
  readonly #metrics: WorkerMetrics;
  readonly #pause = new Pause();
  readonly #database: Database;
  readonly #reader: StreamReader;
  readonly #group: StreamGroup;
  readonly #sales: Sales;
  readonly #lags: Lags;
  readonly #housekeeper: Housekeeper;
  readonly #server: HealthServer | null;
  #databaseFault: string | null = "the database was not asked yet";

  constructor(config: WorkerConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#faults = new FaultLog(log);
    this.#metrics = new WorkerMetrics(
      config.node,
      () => this.#unready() === null,
      () => this.#lags.show(),
    );
    this.#database = new Database(config.database, { timeoutMs: config.databaseTimeoutMs });
    const { node: consumer, replyTimeoutMs, blockMs } = config;
    const reader = this.#connectionOptions("reader");
    this.#reader = new StreamReader({ ...reader, consumer, blockMs, replyTimeoutMs });
    const group = this.#connectionOptions("orders");
    this.#group = new StreamGroup({ ...group, consumer, replyTimeoutMs });
    this.#sales = new Sales(this.#group);
    this.#lags = new Lags(this.#group, this.#sales);
    this.#housekeeper = this.#createHousekeeper();
    const unready = () => this.#unready();
    this.#server =
      config.listen === null
        ? null
        : new HealthServer({ ...config.listen, metrics: this.#metrics, unready });
  }

  /**
   * Works until `stop`. Holds lapse and go back on sale from the first moment on, also while the
   * database is away. Throws if the address to listen on is taken, or if the database is newer
   * than this program.
   */
  async run(): Promise<void> {
    this.#server?.start();
    this.#reader.connection.open();
    this.#group.connection.open();
    const database = describeDatabase(this.#config.database);
    this.#log.info({ release, database }, "order worker is up");
    try {
      await Promise.all([this.#store(), this.#housekeeper.run()]);
    } finally {
      this.#pause.stop();
      await this.#close();
    }
    this.#log.info("order worker has stopped");
  }

  /** Ends the work after the batch under way. What is not stored by then stays pending. */
  stop(): void {
    this.#pause.stop();
  }

  async #store(): Promise<void> {
    await this.#migrate();
    const store = new OrderStore({
      database: this.#database,
      group: this.#group,
      triesMax: this.#config.triesMax,
      pause: this.#pause,
      onStored: (records) => this.#metrics.stored(records),
      onDatabase: (fault) => this.#onDatabase(fault),
      onPoison: (poison, tries, moved) => this.#onPoison(poison, tries, moved),
    });
    const { batchMax, claimIdleMs } = this.#config;
    const consumer = new Consumer({
      reader: this.#reader,
      group: this.#group,
      sales: this.#sales,
      store,
      pause: this.#pause,
      batchMax,
      claimIdleMs,
      settled: () => this.#housekeeper.settled,
      onBatch: (records) => this.#metrics.batch(records),
      onFault: (fault) => this.#onLedgerFault("reading orders", fault),
    });
    await consumer.run();
  }

  async #migrate(): Promise<void> {
    const database = new Database(this.#config.database, { timeoutMs: migrateTimeoutMs });
    for (let failures = 0; !this.#pause.stopped; failures += 1) {
      try {
        const applied = await migrate(database, migrations);
        await database.close();
        this.#onDatabase(null);
        this.#log.info({ applied: applied.map(({ name }) => name) }, "the database is ready");
        return;
      } catch (error) {
        if (!(error instanceof DatabaseError)) {
          throw error;
        }
        this.#onDatabase(error.message);
        await this.#pause.wait(backoffMs(failures, migrateRetryMinMs, migrateRetryMaxMs));
      }
    }
  }

  #createHousekeeper(): Housekeeper {
    const { sweepMs: everyMs, streamKeep, consumerIdleMs } = this.#config;
    const parts = {
      group: this.#group,
      reader: this.#reader,
      sales: this.#sales,
      lags: this.#lags,
      pause: this.#pause,
    };
    const sweeper = new Sweeper({
      ...parts,
      onLapsed: (sale, holds) => this.#metrics.lapsed(sale, holds),
      onFault: (fault) => this.#onLedgerFault("sweeping", fault),
    });
    return new Housekeeper({
      ...parts,
      sweeper,
      everyMs,
      streamKeep,
      consumerIdleMs,
      onFault: (fault) => this.#onLedgerFault("housekeeping", fault),
    });
  }

  async #close(): Promise<void> {
    await this.#server?.stop();
    await this.#database.close();
    await Promise.all([this.#reader.connection.close(), this.#group.connection.close()]);
  }

  #connectionOptions(role: string): ConnectionOptions {
    return {
      url: this.#config.redis,
      name: `sluice-${this.#config.node}-${role}`,
      connectTimeoutMs: 1_000,
      readyTimeoutMs: 10_000,
      retryMinMs: 50,
      retryMaxMs: 500,
      onFault: (fault) => {
        if (this.#pause.stopped) {
          return; // We closed it.
        }
        this.#metrics.fault("connection");
        this.#faults.report(`connection of the ${role}`, fault.message);
      },
    };
  }

  #onLedgerFault(where: string, fault: string): void {
    if (this.#reader.connection.live === null || this.#group.connection.live === null) {
      return; // The connection has reported its loss.
    }
    this.#metrics.fault("ledger");
    this.#faults.report(where, fault);
  }

  #onDatabase(fault: string | null): void {
    if (fault !== null) {
      this.#metrics.fault("database");
      this.#faults.report("database", fault);
    } else if (this.#databaseFault !== null) {
      this.#log.info("the database answers");
    }
    this.#databaseFault = fault;
  }

  #onPoison(poison: Poison, tries: number, moved: boolean): void {
    for (let record = 0; record < poison.records; record += 1) {
      this.#metrics.poison(moved);
    }
    const what = moved ? "are dead letters now" : "cannot be stored";
    // Each such entry is logged a bounded number of times, and there should be none.
    this.#log[moved ? "error" : "warn"]({ ...poison, tries }, `records of an entry ${what}`);
  }

  #unready(): string | null {
    if (this.#pause.stopped) {
      return "stopping";
    }
    if (this.#reader.connection.live === null || this.#group.connection.live === null) {
      return "cut off from the ledger";
    }
    return this.#databaseFault;
  }
}
