import { type Logger, pino } from "pino";

import { checkConfigIfAsked, misconfigured } from "./check-config.ts";
import { describeError, toLoggedError } from "./errors.ts";
import { ConfigError, type Environment } from "./variables.ts";

/** What every program's configuration has. */
export interface ProgramConfig {
  readonly node: string;
  readonly logLevel: string;
}

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
 * The configuration that `read` makes of the environment. Reports what is wrong and ends the program
 * if it throws, and where `--check-config` asks about files instead. From here on what nobody catches
 * ends it likewise.
 */
export function configure<T>(
  program: string,
  environment: Environment,
  read: (environment: Environment) => T,
): T {
  endOnCrash(program);
  checkConfigIfAsked(program, read);
  try {
    return read(environment);
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
