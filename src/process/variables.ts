import type { TObject, TSchema } from "typebox";
import { Value } from "typebox/value";

/** Thrown with all faults at once, a line each. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment variables that a schema names, each with its range and default; integers
 * become numbers, an empty variable counts as missing. A variable of ours that is neither in the
 * schema nor `foreign` (another program's) is a fault, since it is likely misspelt.
 * Throws `ConfigError` with every fault in it.
 */
export function readVariables(
  program: string,
  schema: TObject,
  foreign: ReadonlySet<string>,
  environment: Environment,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, property] of Object.entries<TSchema>(schema.properties)) {
    const { description } = property as { description?: string };
    const text = environment[name];
    const value = readValue(property, text);
    values[name] = value;
    if (value === undefined) {
      faults.push(`${name} is missing: ${description}`);
    } else if (!Value.Check(property, value)) {
      // A password must not be printed, not even of a bad address.
      const shown = text?.replace(/\/\/[^@/]*@/, "//***@");
      faults.push(`${name}=${shown}: it must be ${description}`);
    }
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith("SLUICE_") && !(name in schema.properties) && !foreign.has(name)) {
      faults.push(`${name} is no variable of ${program}; is it misspelt?`);
    }
  }
  if (faults.length > 0) {
    throw new ConfigError(faults.join("\n"));
  }
  return values;
}

function readValue(property: TSchema, text: string | undefined): unknown {
  const { type, default: fallback } = property as { type?: string; default?: unknown };
  if (text === undefined || text === "") {
    return fallback;
  }
  return type === "integer" && /^-?\d+$/.test(text) ? Number(text) : text;
}
