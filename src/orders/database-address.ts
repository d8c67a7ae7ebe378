import { faultOfAddress } from "../process/address.ts";
import { redactAddress } from "../process/redact.ts";

/** Where orders are stored. */
export type DatabaseAddress =
  | { readonly dialect: "sqlite"; readonly path: string }
  | { readonly dialect: "postgres"; readonly url: string };

/**
 * Reads `sqlite://path` (relative to where the program runs, or absolute with a third slash) or
 * `postgres://user:password@host:port/database`; a Unix socket is `?host=/its/directory`.
 * Returns what is wrong with anything else, without the password that may be in it.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress | string {
  if (text.startsWith("sqlite://")) {
    const path = text.slice("sqlite://".length);
    return path === "" || path === ":memory:"
      ? "sqlite:// needs the path of a file, such as sqlite:///var/lib/sluice/orders.db"
      : { dialect: "sqlite", path };
  }
  if (/^postgres(ql)?:\/\//.test(text)) {
    const fault = faultOfAddress(text);
    if (fault !== null) {
      return fault;
    }
    return new URL(text).pathname.length < 2
      ? "it must be postgres://user:password@host:port/database"
      : { dialect: "postgres", url: text };
  }
  return "it must be sqlite://path or postgres://user:password@host:port/database";
}

/** What is wrong with SLUICE_DATABASE beyond its pattern. */
export function findDatabaseFaults(right: { SLUICE_DATABASE?: string }): string[] {
  const address =
    right.SLUICE_DATABASE === undefined ? null : parseDatabaseUrl(right.SLUICE_DATABASE);
  return typeof address === "string" ? [`SLUICE_DATABASE: ${address}`] : [];
}

/** An address fit for messages and logs: without its password. */
export function describeDatabase(address: DatabaseAddress): string {
  return address.dialect === "sqlite" ? `sqlite://${address.path}` : redactAddress(address.url);
}
