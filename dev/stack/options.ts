import { CommandError } from "../../src/operator/command.ts";
import { describeDatabase, parseDatabaseUrl } from "../../src/orders/database-address.ts";
import { saleIdPattern } from "../../src/sale/sale.ts";
import { STATE_DIR_DEFAULT } from "../host/checkout.ts";

export type Durability = "memory" | "primary" | "replica";
export type Locale = "zh" | "en";
export type LimitBy = "off" | "address" | "buyer";

/** What an embedded stack is made of. Ports are on 127.0.0.1 only. */
export interface StackOptions {
  /** Process ids, logs, the ledger's files, Nginx's prefix and the payment secret. */
  readonly stateDir: string;
  readonly nginxPort: number;
  /** For operators: `/nginx-status`. */
  readonly statusPort: number;
  /** Port of node1; the others follow. */
  readonly nodePort: number;
  readonly redisPort: number;
  /** Health and metrics of the order worker. */
  readonly workerPort: number;
  /** One node each: node1, node2, ... */
  readonly weights: readonly number[];
  readonly durability: Durability;
  readonly locale: Locale;
  /** The default sale: what `POST /buy/ticket` sells. It is not created. */
  readonly sale: string;
  /** Tickets; undefined leaves it to the node. */
  readonly buffer: number | undefined;
  readonly accessLog: boolean;
  /** Whose purchases Nginx limits, and to how many a second. */
  readonly limitBy: LimitBy;
  readonly limitPerSecond: number;
  /** Where the orders go, `postgres://...` or `sqlite://...`; null: SQLite in the state directory. */
  readonly database: string | null;
  /** Forget what an earlier stack in this state directory sold. */
  readonly fresh: boolean;
}

export const stackDefaults: StackOptions = {
  stateDir: STATE_DIR_DEFAULT,
  nginxPort: 8080,
  statusPort: 8081,
  nodePort: 3001,
  redisPort: 6390,
  workerPort: 3005,
  weights: [1, 2, 3, 4],
  durability: "primary",
  locale: "en",
  sale: "tickets",
  buffer: undefined,
  accessLog: false,
  limitBy: "off",
  limitPerSecond: 10,
  database: null,
  fresh: false,
};

/** Port and purpose of everything that listens. */
export function listPorts(options: StackOptions): { port: number; option: string; role: string }[] {
  return [
    { port: options.redisPort, option: "--redis-port", role: "redis" },
    ...options.weights.map((_, index) => ({
      port: options.nodePort + index,
      option: "--node-port",
      role: `node${index + 1}`,
    })),
    { port: options.workerPort, option: "--worker-port", role: "worker" },
    { port: options.nginxPort, option: "--nginx-port", role: "nginx" },
    { port: options.statusPort, option: "--status-port", role: "nginx's status" },
  ];
}

/** Throws `CommandError` with every fault of the options in it, a line each. */
export function checkOptions(options: StackOptions): void {
  const faults: string[] = [];
  const seen = new Map<number, string>();
  for (const { port, option, role } of listPorts(options)) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      faults.push(`${option}: ${role} would listen on ${port}; a port is from 1 to 65535`);
    }
    const other = seen.get(port);
    if (other !== undefined) {
      faults.push(`${role} and ${other} would both listen on ${port}; change ${option}`);
    }
    seen.set(port, role);
  }
  if (!saleIdPattern.test(options.sale)) {
    faults.push(`--sale ${options.sale}: 1 to 64 of a-z 0-9 - _, beginning with a letter or digit`);
  }
  faults.push(...checkDatabase(options));
  if (options.weights.length < 1 || options.weights.length > 64) {
    faults.push(`${options.weights.length} nodes: there may be 1 to 64`);
  }
  if (!Number.isInteger(options.limitPerSecond) || options.limitPerSecond < 1) {
    faults.push(`--limit-rate ${options.limitPerSecond}: a whole number of at least 1`);
  }
  if (faults.length > 0) {
    throw new CommandError(faults.join("\n"));
  }
}

/** A ledger that begins anew would give out serials that another database knows already. */
function checkDatabase({ database, fresh }: StackOptions): string[] {
  const address = database === null ? null : parseDatabaseUrl(database);
  if (typeof address === "string") {
    return [`--database: ${address}`];
  }
  if (address !== null && fresh) {
    const name = describeDatabase(address);
    return [
      `--fresh forgets what was sold, but not what ${name} knows of it, and both would contradict ` +
        "each other; give --state another directory and --database an empty database instead",
    ];
  }
  return [];
}
