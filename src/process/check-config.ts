import { readEnvironmentFile } from "./environment-file.ts";
import { ConfigError, type Environment } from "./variables.ts";

/** Exit code of a program that cannot start as it is configured: to start it again is of no use. */
export const misconfigured = 2;

/**
 * `PROGRAM --check-config FILE..`: reads each environment file as systemd would, and checks it as a
 * start would, with `read`. Ends the program: silently and with 0 if all are right, else with 2 and
 * every fault of every file on standard error, a line each. Does nothing where it was not asked for.
 */
export function checkConfigIfAsked(
  program: string,
  read: (environment: Environment) => unknown,
): void {
  const [flag, ...files] = process.argv.slice(2);
  if (flag !== "--check-config") {
    return;
  }
  if (files.length === 0) {
    process.stderr.write(`${program}: --check-config takes the files to check\n`);
    process.exit(misconfigured);
  }
  const faults = files.flatMap((file) =>
    findFaults(file, read).map((fault) => `${program}: ${file}: ${fault}\n`),
  );
  process.stderr.write(faults.join(""));
  process.exit(faults.length === 0 ? 0 : misconfigured);
}

function findFaults(file: string, read: (environment: Environment) => unknown): string[] {
  try {
    read(readEnvironmentFile(file));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message.split("\n");
    }
    throw error;
  }
}
