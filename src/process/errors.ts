import { redact } from "./redact.ts";

/** Errors that caused one another are followed this far. */
const causesMax = 5;

/** Whether a caught value is an error of the system with this code, such as ENOENT. */
export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** Why something failed, for a message: without passwords, whatever the caught value holds. */
export function reasonOf(error: unknown): string {
  return redact(error instanceof Error ? error.message : String(error));
}

/** A caught value as it may be logged. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: LoggedError;
}

/**
 * A caught value with its causes, for a log. Other properties of an error are left out: ioredis
 * keeps the arguments of the command that failed there, AUTH's among them, and URL what it was given.
 */
export function toLoggedError(error: unknown, depth = 1): LoggedError {
  const known = error instanceof Error ? error : new Error(String(error));
  const logged = {
    type: known.name,
    message: redact(known.message),
    stack: redact(known.stack ?? ""),
  };
  return known.cause === undefined || depth >= causesMax
    ? logged
    : { ...logged, cause: toLoggedError(known.cause, depth + 1) };
}

/** A caught value with its stack and its causes, for a person. */
export function describeError(error: unknown): string {
  const lines: string[] = [];
  for (let one: LoggedError | undefined = toLoggedError(error); one; one = one.cause) {
    const head = `${one.type}: ${one.message}`;
    // The stack begins with name and message, and with one of them where the other was changed.
    const frames = one.stack.split("\n").filter((line) => /^\s+at /.test(line));
    lines.push(`${lines.length === 0 ? "" : "caused by "}${head}`, ...frames);
  }
  return lines.join("\n");
}
