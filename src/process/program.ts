import { type Logger, pino } from "pino";

import { ConfigError } from "./variables.ts";

/** What every program's configuration has. */
export interface ProgramConfig {
  readonly node: string;
  readonly logLevel: string;
}

/** Exit code of a program that cannot start as it is configured: to start it again is of no use. */
export const misconfigured = 2;

/** The configuration that `read` gives; says what is wrong and ends the program if it throws. */
export function configure<T>(program: string, read: () => T): T {
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
  return pino({ level: logLevel, base: { node } }, destination);
}
