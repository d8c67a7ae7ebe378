/** What buyers send, and what the sale asks of them. */
export interface Variant {
  readonly name: "keys" | "plain" | "limit";
  readonly headers: readonly ("key" | "buyer")[];
  /** Tickets that one buyer may have; 0 for no limit. */
  readonly limit: number;
  /** One request in so many repeats an earlier one; 0 for none, since that takes a key. */
  readonly replayEvery: number;
}

const replayEvery = 100;

export const variants = {
  keys: { name: "keys", headers: ["key", "buyer"], limit: 0, replayEvery },
  plain: { name: "plain", headers: [], limit: 0, replayEvery: 0 },
  limit: { name: "limit", headers: ["key", "buyer"], limit: 1, replayEvery },
} as const satisfies Record<string, Variant>;

/** One whole path of a sale: what is asked, and where the orders go. */
export interface Path {
  readonly variant: Variant;
  readonly database: "SQLite" | "PostgreSQL";
}

export const paths: readonly Path[] = [
  { variant: variants.keys, database: "SQLite" },
  { variant: variants.plain, database: "SQLite" },
  { variant: variants.limit, database: "SQLite" },
  { variant: variants.keys, database: "PostgreSQL" },
];

/** The first everyday case, which the aims are about. */
export const everyday = { name: "keys, SQLite", connections: 400 } as const;

export function pathName({ variant, database }: Path): string {
  return `${variant.name}, ${database}`;
}

/** One load of a path, and of the bare handler beside it. */
export interface Slice {
  readonly connections: number;
  /** Requests at a scale of 1: a second or two on two quiet cores. */
  readonly requests: number;
  readonly bareRequests: number;
}

/**
 * In the order in which a sale meets them. A hash table of Redis doubles at powers of two, which is
 * worth up to 130 bytes an order to a small slice in which it happens. With these numbers, at a
 * scale of 1, it happens in the warm-up and in the last slice, which is large enough for it.
 */
export const warmUp = { connections: 400, requests: 20_000 } as const;
export const slices: readonly Slice[] = [
  { connections: 1, requests: 4_000, bareRequests: 20_000 },
  { connections: 64, requests: 8_000, bareRequests: 40_000 },
  { connections: 400, requests: 30_000, bareRequests: 40_000 },
];

/** A slice at a small scale has still so many requests: one connection takes its time for them. */
export const sliceRequestsMin = 200;

/**
 * The order of a round. Turned round in every second one, since whoever comes later meets a machine
 * that is warmer, or one that has had enough of its neighbours.
 */
export function inTurns<T>(items: readonly T[], round: number): readonly T[] {
  return round % 2 === 1 ? items : items.toReversed();
}
