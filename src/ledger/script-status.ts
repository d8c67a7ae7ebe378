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
  /** Tokens were made with a secret that is not the sale's, as of another sale of the same id. */
  wrongSecret: -7,
  /** The ledger is of a form that this program does not know. */
  wrongFormat: -8,
  /** There is no such sale, but something of an earlier one of its id. */
  saleRemains: -9,

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
  /** Its time to pay is not over. */
  notDue: -24,
  /** There is an order, and its record says nothing that could be answered: damage of the ledger. */
  unreadable: -25,
} as const;

export type ScriptStatus = (typeof scriptStatus)[keyof typeof scriptStatus];
