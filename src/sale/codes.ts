import type { OrderState } from "./order.ts";
import type { OutcomeKind } from "./outcome.ts";

/** What programs read in the `code` of an answer: each number has one meaning. */
export const codes = {
  /** It is as was asked: sold; or an order as it is now, just paid or cancelled. */
  done: 1,
  /** Nobody knows yet. */
  undecided: 0,
  soldOut: -1,
  notOnSale: -2,
  limitReached: -3,
  /** Nothing was done; the same may be asked again. */
  busy: -4,
  /** Whatever is wrong with the request; its status has more. */
  badRequest: -5,
  fewerLeft: -6,
  refund: -7,
  alreadyPaid: -8,
  unsigned: -9,
} as const;

export type Code = (typeof codes)[keyof typeof codes];

/** Every answer by its name: what a purchase came to, an order's state, or why it was refused. */
export type AnswerName =
  | OutcomeKind
  | OrderState
  | "unknownOrder"
  | "refund"
  | "alreadyPaid"
  | "unsigned"
  | "badRequest"
  | "notFound"
  | "methodNotAllowed"
  | "tooLarge"
  | "tooMany"
  | "internal";

/** The status and the code of every answer. docs/api.md has the same table, as do nginx/*.conf. */
export const answerTable = {
  sold: { status: 201, code: codes.done },
  held: { status: 200, code: codes.done },
  paid: { status: 200, code: codes.done },
  released: { status: 200, code: codes.done },
  undecided: { status: 202, code: codes.undecided },
  soldOut: { status: 410, code: codes.soldOut },
  notOnSale: { status: 403, code: codes.notOnSale },
  limitReached: { status: 409, code: codes.limitReached },
  busy: { status: 503, code: codes.busy },
  /** Answered by Nginx alone. */
  tooMany: { status: 429, code: codes.busy },
  /** A fault of ours: its status is not that of "nothing was done", which nobody knows here. */
  internal: { status: 500, code: codes.busy },
  badRequest: { status: 400, code: codes.badRequest },
  buyerMissing: { status: 400, code: codes.badRequest },
  notFound: { status: 404, code: codes.badRequest },
  unknownSale: { status: 404, code: codes.badRequest },
  unknownOrder: { status: 404, code: codes.badRequest },
  methodNotAllowed: { status: 405, code: codes.badRequest },
  tooLarge: { status: 413, code: codes.badRequest },
  fewerLeft: { status: 409, code: codes.fewerLeft },
  refund: { status: 409, code: codes.refund },
  alreadyPaid: { status: 409, code: codes.alreadyPaid },
  unsigned: { status: 401, code: codes.unsigned },
} as const satisfies Readonly<Record<AnswerName, { readonly status: number; readonly code: Code }>>;
