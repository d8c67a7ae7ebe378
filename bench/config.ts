import { redactAddress } from "../src/process/redact.ts";

/** What a program that is measured inherits, so that a node's bounds can be tried out. */
export function inheritedEnvironment(): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && name !== "SLUICE_STATE") {
      inherited[name] = value;
    }
  }
  return inherited;
}

/** The SLUICE_ variables among them, for the report: a figure without them misleads. */
export function inheritedSettings(): string[] {
  return Object.entries(inheritedEnvironment())
    .filter(([name]) => name.startsWith("SLUICE_"))
    .filter(([name]) => !/SECRET|PASSWORD/.test(name))
    .map(([name, value]) => `${name}=${redactAddress(value)}`)
    .sort();
}
