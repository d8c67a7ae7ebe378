import Type from "typebox";

import {
  commonVariables,
  ConfigError,
  databaseVariable,
  type Environment,
  listenPattern,
  parseListen,
  readVariables,
} from "../process/variables.ts";
import { type DatabaseAddress, findDatabaseFaults, parseDatabaseUrl } from "./database-address.ts";

/** Everything that is set of an order worker, by environment variables of these names. */
const schema = Type.Object({
  ...commonVariables,
  SLUICE_DATABASE: databaseVariable,
  SLUICE_LISTEN: Type.String({
    pattern: `^$|^${listenPattern}$`,
    default: "",
    description: "host:port (at most 65535) of /healthz, /readyz and /metrics, or nothing",
  }),
  SLUICE_BATCH_MAX: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    // Larger ones store little more a second, and keep a worker that is asked to stop.
    default: 2_000,
    description: "records with which a transaction is full, 1 to 10000",
  }),
  SLUICE_BLOCK_MS: Type.Integer({
    minimum: 10,
    maximum: 10_000,
    // Whoever finds a new sale, or is asked to stop, ends the wait.
    default: 2_000,
    description: "milliseconds that a read waits for something new, 10 to 10000",
  }),
  SLUICE_CLAIM_IDLE_MS: Type.Integer({
    minimum: 100,
    maximum: 3_600_000,
    default: 15_000,
    description:
      "milliseconds after which entries of another worker are taken over, 100 to 3600000",
  }),
  SLUICE_TRIES_MAX: Type.Integer({
    minimum: 1,
    maximum: 1_000,
    default: 5,
    description: "deliveries of an entry before what cannot be stored is dead, 1 to 1000",
  }),
  SLUICE_SWEEP_MS: Type.Integer({
    minimum: 20,
    maximum: 10_000,
    default: 200,
    description: "milliseconds between two looks at the ledger while orders come, 20 to 10000",
  }),
  SLUICE_STREAM_KEEP: Type.Integer({
    minimum: 1,
    maximum: 1_000_000_000,
    default: 1_000_000,
    description: "order records of a stream that stay for audits, 1 to 1000000000",
  }),
  SLUICE_REPLY_TIMEOUT_MS: Type.Integer({
    minimum: 50,
    maximum: 30_000,
    default: 2_000,
    description: "milliseconds in which Redis answers, 50 to 30000",
  }),
  SLUICE_DATABASE_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 300_000,
    default: 10_000,
    description: "milliseconds in which the database answers, 100 to 300000",
  }),
  SLUICE_CONSUMER_IDLE_MS: Type.Integer({
    minimum: 1_000,
    maximum: 604_800_000,
    default: 3_600_000,
    description: "milliseconds after which a silent worker is forgotten, 1000 to 604800000",
  }),
  SLUICE_STOP_MS: Type.Integer({
    minimum: 100,
    maximum: 600_000,
    default: 10_000,
    description: "milliseconds for the batch under way after SIGTERM, 100 to 600000",
  }),
});

/** Names of all variables of an order worker. */
export const workerVariables: ReadonlySet<string> = new Set(Object.keys(schema.properties));

/** The configuration of an order worker, checked; the same for as long as it runs. */
export interface WorkerConfig {
  readonly node: string;
  readonly redis: string;
  readonly database: DatabaseAddress;
  /** Null: no health and metrics server. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly logLevel: string;
  readonly batchMax: number;
  readonly blockMs: number;
  readonly claimIdleMs: number;
  readonly triesMax: number;
  readonly sweepMs: number;
  readonly streamKeep: number;
  readonly replyTimeoutMs: number;
  readonly databaseTimeoutMs: number;
  readonly consumerIdleMs: number;
  readonly stopMs: number;
}

/** Variables of a ticket node, which may stand in the same environment. */
const foreign: ReadonlySet<string> = new Set([
  "SLUICE_WEIGHT",
  "SLUICE_BUFFER",
  "SLUICE_DURABILITY",
  "SLUICE_SALE",
  "SLUICE_LOCALE",
  "SLUICE_PAYMENT_SECRET",
]);

/** Reads and checks the environment. Throws `ConfigError` with every fault in it. */
export function readConfig(environment: Environment): WorkerConfig {
  const v = readVariables("an order worker", schema, foreign, environment, findDatabaseFaults);
  const database = parseDatabaseUrl(v.SLUICE_DATABASE);
  if (typeof database === "string") {
    throw new ConfigError(database);
  }
  return Object.freeze({
    node: v.SLUICE_NODE,
    redis: v.SLUICE_REDIS,
    database,
    listen: v.SLUICE_LISTEN === "" ? null : parseListen(v.SLUICE_LISTEN),
    logLevel: v.SLUICE_LOG,
    batchMax: v.SLUICE_BATCH_MAX,
    blockMs: v.SLUICE_BLOCK_MS,
    claimIdleMs: v.SLUICE_CLAIM_IDLE_MS,
    triesMax: v.SLUICE_TRIES_MAX,
    sweepMs: v.SLUICE_SWEEP_MS,
    streamKeep: v.SLUICE_STREAM_KEEP,
    replyTimeoutMs: v.SLUICE_REPLY_TIMEOUT_MS,
    databaseTimeoutMs: v.SLUICE_DATABASE_TIMEOUT_MS,
    consumerIdleMs: v.SLUICE_CONSUMER_IDLE_MS,
    stopMs: v.SLUICE_STOP_MS,
  });
}
