import type { Measured } from "./crowd.ts";

export const GENERATOR_NAMES = ["oha", "h2load"] as const;
export type GeneratorName = (typeof GENERATOR_NAMES)[number];

/** How a crowd is sent. */
export interface LoadOptions {
  readonly url: string;
  /** JSON that each request carries, or null. */
  readonly body: string | null;
  /** This many requests, or requests for this long. */
  readonly extent: { readonly requests: number } | { readonly durationSeconds: number };
  /** Requests under way at a time, each on a connection of its own. */
  readonly connections: number;
  /** Requests a second for all of them together; null for as many as are answered. */
  readonly ratePerSecond: number | null;
  /** A request without an answer for so long has failed. */
  readonly timeoutSeconds: number;
  readonly generator: GeneratorName;
}

/** Files of one crowd, in a folder that is removed afterwards. */
export interface LoadFiles {
  /** The body, where there is one. */
  readonly body: string;
  /** A row for each answer. */
  readonly rows: string;
  readonly summary: string;
}

/** A program that sends a crowd, and how its results are read. */
export interface Generator {
  /** As it is called on the PATH. */
  readonly name: GeneratorName;
  /** How to get it where it is missing. */
  readonly remedy: string;
  readonly listArguments: (options: LoadOptions, files: LoadFiles) => string[];
  /** Throws `CommandError` where the results are of another form, or not whole. */
  readonly readResults: (
    options: LoadOptions,
    files: LoadFiles,
    printed: string,
  ) => Promise<Measured>;
}

/**
 * Oha keeps about 300 bytes of each request until it ends (measured: 300 MB for a million), and
 * then needs about 4 s a million for the database. Ten million fit into 3 GB. h2load writes a line
 * of 25 bytes for each, as it goes.
 */
export const requestsMax = 10_000_000;
/** Without a rate nobody knows how many requests a duration makes: 300 s at 33 thousand/s. */
export const durationSecondsMax = 300;
