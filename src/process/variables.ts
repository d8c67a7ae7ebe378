import Type, { type Static, type TObject, type TSchema } from "typebox";
import { Value } from "typebox/value";

import { faultOfAddress } from "./address.ts";
import { redact, redactAddress } from "./redact.ts";

/** Thrown with all faults at once, a line each. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that every program has. */
export const commonVariables = {
  SLUICE_NODE: Type.String({
    pattern: "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$",
    description: "name of this process, unlike any other's: 1 to 64 letters, digits, . _ @ -",
  }),
  SLUICE_REDIS: Type.String({
    pattern: "^rediss?://[^\\s]+$",
    default: "redis://127.0.0.1:6379/0",
    address: true,
    description: "redis://[user:password@]host:port[/db]",
  }),
  SLUICE_LOG: Type.Union(
    ["silent", "fatal", "error", "warn", "info", "debug", "trace"].map((level) =>
      Type.Literal(level),
    ),
    { default: "info", description: "silent, fatal, error, warn, info, debug or trace" },
  ),
} as const;

/** Of those who read or write stored orders. */
export const databaseVariable = Type.String({
  pattern: "^(sqlite|postgres|postgresql)://.+$",
  address: true,
  description: "sqlite://path or postgres://user@host:port/database",
});

const portPattern =
  "([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

/** `host:port`, `[IPv6]:port`. */
export const listenPattern = `(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+):${portPattern}`;

/** Takes an address of `listenPattern` apart. */
export function parseListen(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(":");
  return {
    host: text.slice(0, colon).replace(/^\[|\]$/g, ""),
    port: Number(text.slice(colon + 1)),
  };
}

/**
 * Reads the environment variables that a schema names, each with its range and default; one that
 * holds an address, which may have a password, has `address: true` as well. Integers become numbers,
 * an empty variable counts as missing. A variable of ours that is neither in the schema nor
 * `foreign` (another program's) is a fault, since it is likely misspelt. `findOthers` returns the
 * faults that no schema can express; it is given the values that are right by themselves.
 * Throws `ConfigError` with every fault in it.
 */
export function readVariables<Schema extends TObject>(
  program: string,
  schema: Schema,
  foreign: ReadonlySet<string>,
  environment: Environment,
  findOthers: (right: Partial<Static<Schema>>) => readonly string[],
): Static<Schema> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, property] of Object.entries<TSchema>(schema.properties)) {
    const { description, address } = property as { description?: string; address?: boolean };
    const text = environment[name];
    const value = readValue(property, text);
    if (value === undefined) {
      faults.push(`${name} is missing: ${description}`);
    } else if (!Value.Check(property, value)) {
      faults.push(`${name}=${shownOf(name, text, address)}: it must be ${description}`);
    } else {
      const fault = address === true && typeof value === "string" ? faultOfAddress(value) : null;
      if (fault === null) {
        values[name] = value;
      } else {
        faults.push(`${name}=${shownOf(name, text, address)}: ${fault}`);
      }
    }
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith("SLUICE_") && !(name in schema.properties) && !foreign.has(name)) {
      faults.push(`${name} is no variable of ${program}; is it misspelt?`);
    }
  }
  faults.push(...findOthers(values as Partial<Static<Schema>>));
  if (faults.length > 0) {
    throw new ConfigError(faults.join("\n"));
  }
  return values as Static<Schema>;
}

/** A bad value as it may be printed: a bad secret is a secret, too. */
function shownOf(name: string, text = "", address = false): string {
  if (name.endsWith("_SECRET")) {
    return "***";
  }
  return address ? redactAddress(text) : redact(text);
}

function readValue(property: TSchema, text: string | undefined): unknown {
  const { type, default: fallback } = property as { type?: string; default?: unknown };
  if (text === undefined || text === "") {
    return fallback;
  }
  return type === "integer" && /^-?\d+$/.test(text) ? Number(text) : text;
}
