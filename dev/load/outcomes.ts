/**
 * What the crowd was told, as far as a status shows it. 409 is either "fewer left" or "limit
 * reached"; only the body tells them apart, and no generator keeps bodies.
 */
export type AnswerKind =
  | "sold"
  | "soldOut"
  | "undecided"
  | "busy"
  | "notOnSale"
  | "fewerLeftOrLimitReached"
  | "limited"
  | "badRequest"
  | "other";

/** Requests by what became of them; `failed` had no answer at all. */
export type Outcomes = Readonly<Record<AnswerKind | "failed", number>>;

const kinds: ReadonlyMap<number, AnswerKind> = new Map<number, AnswerKind>([
  [201, "sold"],
  [410, "soldOut"],
  [202, "undecided"],
  [503, "busy"],
  [403, "notOnSale"],
  [409, "fewerLeftOrLimitReached"],
  [429, "limited"],
]);

/** What an HTTP status of a purchase means. `other` is none of ours: 502 of a proxy, for one. */
export function answerKind(status: number): AnswerKind {
  return kinds.get(status) ?? (status >= 400 && status < 500 ? "badRequest" : "other");
}

/** The kinds in the order in which they are reported. */
export const noOutcomes: Outcomes = {
  sold: 0,
  soldOut: 0,
  undecided: 0,
  busy: 0,
  notOnSale: 0,
  fewerLeftOrLimitReached: 0,
  limited: 0,
  badRequest: 0,
  other: 0,
  failed: 0,
};
