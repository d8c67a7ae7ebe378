import { readFileSync } from "node:fs";

import { ConfigError, type Environment } from "./variables.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads a file of the kind that systemd's `EnvironmentFile=` takes, and of it only what everybody
 * reads alike: `NAME=value` as it stands, comment lines and empty lines. systemd would also take
 * quotes and backslashes off a value, end it at spaces and let a name that stands twice win by its
 * last line; such lines are faults. Throws `ConfigError` with all of them.
 */
export function readEnvironmentFile(path: string): Environment {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`it cannot be read: ${(error as Error).message}`);
  }
  return parseEnvironment(text);
}

/** The same for the text of such a file. No value is in the message of a fault: it may be secret. */
export function parseEnvironment(text: string): Environment {
  const environment: Record<string, string> = {};
  const lineOf = new Map<string, number>();
  const faults: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*([#;].*)?$/.test(line)) {
      continue;
    }
    const equals = line.indexOf("=");
    const name = line.slice(0, Math.max(equals, 0));
    const value = line.slice(equals + 1);
    const first = lineOf.get(name);
    if (!NAME.test(name)) {
      faults.push(`line ${index + 1} is no NAME=value, no comment and not empty`);
    } else if (first !== undefined) {
      faults.push(`${name} stands twice, in lines ${first} and ${index + 1}`);
    } else if (!isPlain(value)) {
      faults.push(
        `${name} in line ${index + 1}: a value has no quotes, no backslashes, no control ` +
          "characters, and no spaces at its ends",
      );
    } else {
      environment[name] = value;
      lineOf.set(name, index + 1);
    }
  }
  if (faults.length > 0) {
    throw new ConfigError(faults.join("\n"));
  }
  return environment;
}

function isPlain(value: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return value === value.trim() && !/["'\\\u0000-\u001f\u007f]/.test(value);
}
