import { OperationError } from "../ledger/session.ts";
import { describeError } from "../process/errors.ts";

/** Something that whoever typed the command can put right; the message names what and how. */
export class CommandError extends Error {
  override name = "CommandError";
}

/**
 * Runs a command; what the operator can put right is printed without a stack trace. Everything else
 * ends the process here: the libraries' own report of it would print passwords.
 */
export async function reportErrors(
  command: string,
  run: () => Promise<void>,
  exitCode = 1,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof OperationError)) {
      process.stderr.write(`sluice ${command} crashed: ${describeError(error)}\n`);
      process.exit(1);
    }
    console.error(`sluice ${command}: ${error.message}`);
    process.exitCode = exitCode;
  }
}

interface Definition {
  readonly type?: string | undefined;
  readonly required?: boolean | undefined;
}

/**
 * Refuses what a command does not have: a misspelt option must not be ignored, nor a word too
 * much, nor an option whose value is missing. Citty lets all of them pass.
 */
export function checkArguments(
  args: Readonly<Record<string, unknown>>,
  definitions: Readonly<Record<string, Definition>>,
): void {
  const { _: words, ...named } = args;
  const positional = Object.values(definitions).filter(({ type }) => type === "positional");
  const options = Object.entries(definitions).filter(([, { type }]) => type !== "positional");
  const known = new Set(Object.keys(definitions).flatMap((name) => [name, camel(name)]));
  const list = options.map(([name]) => `--${name}`).join(", ");
  for (const name of Object.keys(named)) {
    if (!known.has(name)) {
      throw new CommandError(`there is no option --${name}; the options are ${list || "none"}`);
    }
  }
  for (const [name, { type }] of options) {
    if (type === "string" && named[name] === "") {
      throw new CommandError(`--${name} needs a value`);
    }
  }
  const extra = Array.isArray(words) ? words.slice(positional.length) : [];
  if (extra.length > 0) {
    throw new CommandError(`'${extra.join(" ")}' is too much; the options are ${list || "none"}`);
  }
}

/** A whole number that was typed, within its range. */
export function readWholeNumber(name: string, text: string, least: number, most: number): number {
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most)) {
    throw new CommandError(`${name} is a whole number from ${least} to ${most}, not '${text}'`);
  }
  return number;
}

/** A share of a whole that was typed: 0 to 1. */
export function readShare(name: string, text: string): number {
  const share = /^[01]?(\.[0-9]{1,9})?$/.test(text) && text !== "" ? Number(text) : Number.NaN;
  if (!(share >= 0 && share <= 1)) {
    throw new CommandError(`${name} is a share from 0 to 1, such as 0.7, not '${text}'`);
  }
  return share;
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
