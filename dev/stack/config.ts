import { resolve } from "node:path";

import { nodeVariables } from "../../src/node/config.ts";
import { CommandError } from "../../src/operator/command.ts";
import { readAddress } from "../../src/operator/config.ts";
import { workerVariables } from "../../src/orders/config.ts";
import { readStateDir } from "../host/environment.ts";
import {
  type Durability,
  type LimitBy,
  type Locale,
  stackDefaults,
  type StackOptions,
} from "./options.ts";
import type { Role } from "./record.ts";

/** Flags as citty hands them over; what was not given is undefined. */
export type StackFlags = Readonly<Record<string, unknown>>;

/** Options from flags, then from the environment, then the defaults. Throws `CommandError`. */
export function readStackOptions(flags: StackFlags): StackOptions {
  const environment = process.env;
  const nodePort = wholeNumber(flags, "node-port") ?? stackDefaults.nodePort;
  const nginxPort = wholeNumber(flags, "nginx-port") ?? stackDefaults.nginxPort;
  return {
    stateDir: readStateDir(flags),
    nginxPort,
    statusPort: wholeNumber(flags, "status-port") ?? nginxPort + 1,
    nodePort,
    redisPort: wholeNumber(flags, "redis-port") ?? stackDefaults.redisPort,
    workerPort: wholeNumber(flags, "worker-port") ?? nodePort + stackDefaults.weights.length,
    weights: stackDefaults.weights,
    durability:
      oneOf<Durability>(
        "--durability",
        ["memory", "primary", "replica"],
        text(flags["durability"]) ?? text(environment["SLUICE_DURABILITY"]),
      ) ?? stackDefaults.durability,
    locale:
      oneOf<Locale>(
        "--locale",
        ["zh", "en"],
        text(flags["locale"]) ?? text(environment["SLUICE_LOCALE"]),
      ) ?? stackDefaults.locale,
    sale: text(flags["sale"]) ?? text(environment["SLUICE_SALE"]) ?? stackDefaults.sale,
    buffer: wholeNumber(flags, "buffer"),
    accessLog: flags["access-log"] === true,
    limitBy:
      oneOf<LimitBy>("--limit-by", ["off", "address", "buyer"], text(flags["limit-by"])) ??
      stackDefaults.limitBy,
    limitPerSecond: wholeNumber(flags, "limit-rate") ?? stackDefaults.limitPerSecond,
    database: absolute(
      readAddress("--database", flags["database"]) ?? text(environment["SLUICE_DATABASE"]) ?? null,
    ),
    fresh: flags["fresh"] === true,
  };
}

/** Variables that a part does not know, because they are meant for another one. */
const NOT_MEANT_FOR: Readonly<Partial<Record<Role, ReadonlySet<string>>>> = {
  node: workerVariables.difference(nodeVariables),
  worker: nodeVariables.difference(workerVariables),
};

/**
 * The environment that a part inherits: what the operator set, so that every bound of a node or a
 * worker can be tried out, but nothing that is meant for this command or for the other one (each
 * refuses SLUICE_ variables that it does not know).
 */
export function readInheritedEnvironment(role: Role): Record<string, string> {
  const inherited: Record<string, string> = {};
  const foreign = NOT_MEANT_FOR[role];
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && name !== "SLUICE_STATE" && foreign?.has(name) !== true) {
      inherited[name] = value;
    }
  }
  return inherited;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A part that is started again may be so from another directory. */
function absolute(database: string | null): string | null {
  const path = /^sqlite:\/\/(.+)$/.exec(database ?? "")?.[1];
  return path === undefined ? database : `sqlite://${resolve(path)}`;
}

function wholeNumber(flags: StackFlags, name: string): number | undefined {
  const given = text(flags[name]);
  if (given === undefined) {
    return undefined;
  }
  if (!/^\d{1,9}$/.test(given)) {
    throw new CommandError(`--${name} takes a whole number, not '${given}'`);
  }
  return Number(given);
}

function oneOf<T extends string>(
  option: string,
  known: readonly T[],
  given: string | undefined,
): T | undefined {
  const found = known.find((value) => value === given);
  if (given !== undefined && found === undefined) {
    throw new CommandError(`${option} is one of ${known.join(", ")}, not '${given}'`);
  }
  return found;
}
