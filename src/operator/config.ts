import { readFileSync } from "node:fs";

import { type DatabaseAddress, parseDatabaseUrl } from "../orders/database-address.ts";
import { faultOfAddress } from "../process/address.ts";
import { reasonOf } from "../process/errors.ts";
import { holdsPassword } from "../process/redact.ts";
import { CommandError } from "./command.ts";

/** Where a command works when neither an option nor a variable names a place. */
export interface DefaultAddresses {
  /** Address of the ledger, or null where nobody knows of one. */
  readonly ledger: () => string | null;
  /** Address of the orders of that ledger (null: of whichever there is), or null likewise. */
  readonly database: (redisUrl: string | null) => string | null;
}

/** On a host: what the operator names, and nothing else. */
export const noDefaultAddresses: DefaultAddresses = { ledger: () => null, database: () => null };

/** What `--redis` and `--database` take, for their descriptions. */
export const addressHint = "URL|@FILE|-";

/** The ledger to work on: `--redis`, else SLUICE_REDIS, else the default. Throws `CommandError`. */
export function readRedisUrl(option: unknown, defaults: DefaultAddresses): string {
  const url = readRedisOption(option) ?? variable("SLUICE_REDIS") ?? defaults.ledger();
  if (url === null) {
    throw new CommandError("which ledger? Set SLUICE_REDIS, or give --redis redis://host:port/db");
  }
  return checkRedisUrl(url);
}

/** What `--redis` names, or null without it. Throws `CommandError`. */
export function readRedisOption(option: unknown): string | null {
  const url = readAddress("--redis", option);
  return url === null ? null : checkRedisUrl(url);
}

function checkRedisUrl(url: string): string {
  const fault = /^rediss?:\/\//.test(url) ? faultOfAddress(url) : "it must be redis://host:port/db";
  if (fault !== null) {
    throw new CommandError(`the ledger: ${fault}`);
  }
  return url;
}

/**
 * The orders database: `--database`, else SLUICE_DATABASE, else the default for this ledger, else
 * null. Throws `CommandError`.
 */
export function readDatabase(
  option: unknown,
  defaults: DefaultAddresses,
  redisUrl: string | null = null,
): DatabaseAddress | null {
  const url =
    readAddress("--database", option) ?? variable("SLUICE_DATABASE") ?? defaults.database(redisUrl);
  return url === null ? null : toDatabase(url);
}

/** The database of an address. Throws `CommandError` for an address that is none. */
export function toDatabase(url: string): DatabaseAddress {
  const address = parseDatabaseUrl(url);
  if (typeof address === "string") {
    throw new CommandError(`the database: ${address}`);
  }
  return address;
}

function variable(name: string): string | null {
  const text = process.env[name];
  return text === undefined || text === "" ? null : text;
}

/**
 * An address that was typed, or read from a file (`@FILE`) or from standard input (`-`); null where
 * there is none. Throws `CommandError`, also for an address that was typed with its password.
 */
export function readAddress(option: string, given: unknown): string | null {
  if (typeof given !== "string" || given === "") {
    return null;
  }
  if (isElsewhere(given)) {
    return readElsewhere(option, given, "address");
  }
  refusePassword(
    option,
    given,
    `set the variable instead, or give ${option} @FILE, or ${option} - for standard input`,
  );
  return given;
}

/**
 * A secret that is no address, from a file (`@FILE`) or from standard input (`-`); null where there
 * is none. Throws `CommandError`, also for one that was typed.
 */
export function readSecret(option: string, given: unknown, what: string): string | null {
  if (typeof given !== "string" || given === "") {
    return null;
  }
  if (!isElsewhere(given)) {
    throw new CommandError(
      `${option} takes no ${what} itself, which every user of this machine could read in its ` +
        `process list; give ${option} @FILE, or ${option} - for standard input`,
    );
  }
  return readElsewhere(option, given, what);
}

function isElsewhere(given: string): boolean {
  return given === "-" || given.startsWith("@");
}

function readElsewhere(option: string, given: string, what: string): string {
  const path = given === "-" ? 0 : given.slice(1);
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new CommandError(`${option} ${given} could not be read: ${reasonOf(error)}`);
  }
  if (text === "") {
    throw new CommandError(`${option} ${given} is empty; it holds one ${what}`);
  }
  return text;
}

/**
 * Every user of a machine can read its process list, so no word that was typed may hold a password.
 * Throws `CommandError` with what to do instead.
 */
export function refusePassword(what: string, given: string, instead: string): void {
  if (holdsPassword(given)) {
    throw new CommandError(
      `${what} holds a password, which every user of this machine can read in its process list; ` +
        instead,
    );
  }
}
