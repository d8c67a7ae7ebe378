import Type, { type Static } from "typebox";

import {
  commonVariables,
  type Environment,
  listenPattern,
  parseListen,
  readVariables,
} from "../process/variables.ts";
import { saleIdPattern } from "../sale/sale.ts";

/**
 * Everything that configures a ticket node, by environment variables of these names.
 * Each has its range; what is missing has the default that stands here and nowhere else.
 */
const schema = Type.Object({
  ...commonVariables,
  SLUICE_LISTEN: Type.String({
    pattern: `^${listenPattern}$`,
    default: "127.0.0.1:3000",
    description: "host:port, the port at most 65535",
  }),
  SLUICE_WEIGHT: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 1,
    description: "a whole number from 1 to 1000",
  }),
  SLUICE_BUFFER: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 100,
    description: "tickets, a whole number from 0 to 1000000",
  }),
  SLUICE_DURABILITY: Type.Union(
    [Type.Literal("memory"), Type.Literal("primary"), Type.Literal("replica")],
    { default: "primary", description: "memory, primary or replica" },
  ),
  SLUICE_SALE: Type.String({
    pattern: saleIdPattern.source,
    default: "tickets",
    description: "id of the default sale: 1 to 64 of a-z 0-9 - _",
  }),
  SLUICE_PAYMENT_SECRET: Type.String({
    pattern: "^(|.{16,1024})$",
    default: "",
    description: "16 to 1024 characters, shared with the payment system",
  }),
  SLUICE_LOCALE: Type.Union([Type.Literal("zh"), Type.Literal("en")], {
    default: "en",
    description: "zh or en",
  }),
  SLUICE_BATCH_MAX: Type.Integer({
    minimum: 1,
    maximum: 1000,
    // A batch of 256 keeps Redis for under two milliseconds; larger ones save little more.
    default: 256,
    description: "requests in one script, 1 to 1000",
  }),
  SLUICE_QUEUE_MAX: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 20_000,
    description: "requests that wait, 1 to 1000000",
  }),
  SLUICE_DEADLINE_MS: Type.Integer({
    minimum: 100,
    maximum: 60_000,
    default: 2_000,
    description: "milliseconds in which a request is answered, 100 to 60000",
  }),
  SLUICE_HEARTBEAT_MS: Type.Integer({
    minimum: 20,
    maximum: 10_000,
    default: 200,
    description: "milliseconds between heartbeats, 20 to 10000",
  }),
  SLUICE_REPLY_TIMEOUT_MS: Type.Integer({
    minimum: 50,
    maximum: 30_000,
    default: 1_000,
    description: "milliseconds in which Redis answers, 50 to 30000, below the deadline",
  }),
  SLUICE_SOLD_ORDERS_MAX: Type.Integer({
    minimum: 0,
    maximum: 10_000_000,
    default: 200_000,
    description: "orders that are remembered after sold out, 0 to 10000000",
  }),
  SLUICE_IDLE_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 255,
    default: 75,
    description: "seconds before an idle connection is closed, 1 to 255",
  }),
  SLUICE_DRAIN_MS: Type.Integer({
    minimum: 0,
    maximum: 600_000,
    // Above Nginx's keepalive_timeout to the nodes, so that it has let go of every connection.
    default: 5_000,
    description: "milliseconds that the listener goes on serving after SIGTERM, 0 to 600000",
  }),
});

/** Names of all variables of a ticket node. */
export const nodeVariables: ReadonlySet<string> = new Set(Object.keys(schema.properties));

type Variables = Static<typeof schema>;

/** The configuration of a node, checked; the same for as long as it runs. */
export interface NodeConfig {
  readonly node: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly buffer: number;
  readonly redis: string;
  readonly durability: "memory" | "primary" | "replica";
  readonly sale: string;
  /** Null: no payment is accepted. */
  readonly paymentSecret: string | null;
  readonly locale: "zh" | "en";
  readonly logLevel: string;
  readonly batchMax: number;
  readonly queueMax: number;
  readonly deadlineMs: number;
  readonly heartbeatMs: number;
  readonly replyTimeoutMs: number;
  readonly soldOrdersMax: number;
  readonly idleSeconds: number;
  readonly drainMs: number;
}

/** Reads and checks the environment. Throws `ConfigError` with every fault in it. */
export function readConfig(environment: Environment): NodeConfig {
  return toConfig(readVariables("a ticket node", schema, foreign, environment, findOthers));
}

/** Variables of the other programs, which may stand in the same environment. */
const foreign: ReadonlySet<string> = new Set(["SLUICE_DATABASE"]);

function findOthers(right: Partial<Variables>): string[] {
  const { SLUICE_REPLY_TIMEOUT_MS: reply, SLUICE_DEADLINE_MS: deadline } = right;
  if (reply === undefined || deadline === undefined || reply < deadline) {
    return [];
  }
  return [
    `SLUICE_REPLY_TIMEOUT_MS=${reply}: it must be below SLUICE_DEADLINE_MS=${deadline}, or no ` +
      "batch could be sent again before its requests are answered",
  ];
}

function toConfig(v: Variables): NodeConfig {
  const { host, port } = parseListen(v.SLUICE_LISTEN);
  return Object.freeze({
    node: v.SLUICE_NODE,
    host,
    port,
    weight: v.SLUICE_WEIGHT,
    buffer: v.SLUICE_BUFFER,
    redis: v.SLUICE_REDIS,
    durability: v.SLUICE_DURABILITY,
    sale: v.SLUICE_SALE,
    paymentSecret: v.SLUICE_PAYMENT_SECRET === "" ? null : v.SLUICE_PAYMENT_SECRET,
    locale: v.SLUICE_LOCALE,
    logLevel: v.SLUICE_LOG,
    batchMax: v.SLUICE_BATCH_MAX,
    queueMax: v.SLUICE_QUEUE_MAX,
    deadlineMs: v.SLUICE_DEADLINE_MS,
    heartbeatMs: v.SLUICE_HEARTBEAT_MS,
    replyTimeoutMs: v.SLUICE_REPLY_TIMEOUT_MS,
    soldOrdersMax: v.SLUICE_SOLD_ORDERS_MAX,
    idleSeconds: v.SLUICE_IDLE_SECONDS,
    drainMs: v.SLUICE_DRAIN_MS,
  });
}
