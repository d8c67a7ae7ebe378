/**
 * What scripts answer, each number with one meaning in all of them. None is above zero: positive
 * numbers are serials and counts. redis/scripts/lib/status.lua has the same names; a test holds both
 * equal.
 */
export const scriptStatus = {
  done: 0,

  // Of a sale.
  noSale: -1,
  /** A newer connection of the same node has spoken: this copy was held up on its way. */
  staleGeneration: -2,
  saleExists: -3,
  saleClosed: -4,
  totalTooLarge: -5,
  /** The same operation was done before; nothing was done again. */
  repeated: -6,

  // Of one request for tickets.
  soldOut: -11,
  notOnSale: -12,
  limitReached: -13,
  fewerLeft: -14,
  buyerMissing: -15,

  // Of one order.
  noOrder: -21,
  /** It was released, and cannot be revived. */
  refund: -22,
  alreadyPaid: -23,
} as const;

export type ScriptStatus = (typeof scriptStatus)[keyof typeof scriptStatus];
