import { type DatabaseAddress, parseDatabaseUrl } from "../orders/database-url.ts";
import { CommandError } from "./command.ts";
import { readStateDir } from "./stack/config.ts";
import { stackDefaults } from "./stack/options.ts";
import { readRecord } from "./stack/record.ts";
import { databaseUrl } from "./stack/worker.ts";

/**
 * The ledger to work on: `--redis`, else SLUICE_REDIS, else that of a stack that is up, else that
 * of the embedded stack as it is unless it is told otherwise.
 */
export function readRedisUrl(flag: unknown, ofStack?: string): string {
  const given = [flag, process.env["SLUICE_REDIS"], ofStack].find(
    (text): text is string => typeof text === "string" && text !== "",
  );
  return given ?? `redis://127.0.0.1:${stackDefaults.redisPort}/0`;
}

/** The database that was named: `--database`, else SLUICE_DATABASE. */
export function readDatabaseUrl(flag: unknown): string | undefined {
  return [flag, process.env["SLUICE_DATABASE"]].find(
    (text): text is string => typeof text === "string" && text !== "",
  );
}

/**
 * The database to look at: `--database`, else SLUICE_DATABASE, else that of the embedded stack,
 * which runs or ran last. Throws `CommandError`.
 */
export function readDatabase(flag: unknown): DatabaseAddress {
  const stateDir = readStateDir({});
  const stack = readRecord(stateDir)?.options ?? { database: null, stateDir };
  const address = parseDatabaseUrl(readDatabaseUrl(flag) ?? databaseUrl(stack));
  if (typeof address === "string") {
    throw new CommandError(`the database: ${address}`);
  }
  return address;
}
