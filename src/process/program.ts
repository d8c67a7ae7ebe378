import { type Logger, pino } from "pino";

import { describeError, toLoggedError } from "./errors.ts";
import { ConfigError } from "./variables.ts";

/** What every program's configuration has. */
export interface ProgramConfig {
  readonly node: string;
  readonly logLevel: string;
}

/** Exit code of a program that cannot start as it is configured: to start it again is of no use. */
export const misconfigured = 2;

/** Ends the program with what nobody caught, which it prints without secrets. */
export function endOnCrash(program: string): void {
  const end = (error: unknown): void => {
    process.stderr.write(`${program} crashed: ${describeError(error)}\n`);
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

/**
 * The configuration that `read` returns; prints what is wrong and ends the program if it throws.
 * From here on what nobody catches ends it likewise.
 */
export function configure<T>(program: string, read: () => T): T {
  endOnCrash(program);
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${program}: the configuration is faulty\n${error.message}\n`);
      process.exit(misconfigured);
    }
    throw error;
  }
}

/** The program's log: JSON lines on standard output. */
export function createLog({ node, logLevel }: ProgramConfig): Logger {
  // Synchronous, without a transport: worker threads do not work in a compiled binary.
  const destination = pino.destination({ dest: 1, sync: true });
  return pino(
    { level: logLevel, base: { node }, serializers: { err: toLoggedError } },
    destination,
  );
}
