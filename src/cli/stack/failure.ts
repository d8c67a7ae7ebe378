import { StackError } from "./options.ts";

/** Runs a command; what the operator can put right is printed without a stack trace, exit 1. */
export async function orExplain(command: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof StackError)) {
      throw error;
    }
    console.error(`sluice ${command}: ${error.message}`);
    process.exitCode = 1;
  }
}

/** Flags that a command does not have are refused: a misspelt one must not be ignored. */
export function checkFlags(
  flags: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, unknown>>,
): void {
  const { _: positional, ...named } = flags;
  const isKnown = (name: string) => kebab(name) in known;
  const unknown = Object.keys(named).filter((name) => !isKnown(name));
  if (unknown.length > 0) {
    const list = unknown.map((name) => `--${kebab(name)}`).join(", ");
    const options = Object.keys(known).map((name) => `--${name}`);
    throw new StackError(`there is no option ${list}. The options are: ${options.join(", ")}`);
  }
  if (Array.isArray(positional) && positional.length > 0) {
    throw new StackError(`'${positional.join(" ")}' is too much; this command takes options only`);
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
