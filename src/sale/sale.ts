/** A sale is one stock of identical tickets. Everything here is pure vocabulary. */

/** What an operator may make of a sale; set-state.lua takes these. `closed` is final. */
export const settableStates = ["open", "paused", "closed"] as const;
export type SettableState = (typeof settableStates)[number];

/**
 * What a sale is doing, by the ledger's clock.
 * `scheduled`: created, waits for its opening time or for an operator.
 */
export const saleStates = ["scheduled", ...settableStates] as const;
export type SaleState = (typeof saleStates)[number];

/** Whether a text, of the ledger say, is the state of a sale. */
export function isSaleState(text: string): text is SaleState {
  return (saleStates as readonly string[]).includes(text);
}

/** Why a sale's definition changed. */
export const saleEvents = ["created", "restocked", ...settableStates] as const;
export type SaleEvent = (typeof saleEvents)[number];

/** Whether a text, of the ledger say, is why a sale changed. */
export function isSaleEvent(text: string): text is SaleEvent {
  return (saleEvents as readonly string[]).includes(text);
}

/** What a sale is, but for what is sold of it: the outbox has it after each change of it. */
export interface SaleDefinition {
  /** 1 when created, one more with every change. */
  readonly revision: number;
  readonly changedAtMs: number;
  readonly cause: SaleEvent;
  readonly state: SaleState;
  readonly total: number;
  readonly limit: number;
  readonly holdMs: number;
  readonly opensAtMs: number;
  /** Names the secret that its tokens are made with. */
  readonly secretId: string;
}

export interface SaleSnapshot {
  readonly sale: string;
  readonly state: SaleState;
  /** Tickets in all, sold or not. Only a restock changes it. */
  readonly total: number;
  /** Tickets in holds that are neither paid nor released. */
  readonly held: number;
  readonly paid: number;
  /** `total - held - paid`; never negative. */
  readonly left: number;
  /** Tickets that one buyer may have at a time; 0 means no limit. */
  readonly limit: number;
  /** How long a hold lasts before it lapses, in milliseconds. */
  readonly holdMs: number;
  /** Opening time in milliseconds since the epoch of Unix; 0 means that an operator opens it. */
  readonly opensAtMs: number;
  /** Grows whenever stock comes back after "sold out". */
  readonly epoch: number;
  /** Serial of the newest hold; 0 before the first. */
  readonly serial: number;
  /** Names the secret that its tokens are made with. */
  readonly secretId: string;
}

/** Sale ids stand in URLs, key names and order ids, so they are plain. */
export const saleIdPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Tickets that one request may ask for. Bounds how far a batch can overshoot the stock. */
export const quantityMax = 100;

/** Tickets that a sale may hold; far below 2^53, above which Lua numbers lose units. */
export const totalMax = 1_000_000_000;

/** Request keys and buyer ids: 1-128 printable ASCII characters. */
export const keyPattern = /^[\x20-\x7e]{1,128}$/;
