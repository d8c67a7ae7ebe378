import type { OrderRecord } from "../sale/order.ts";
import type { SaleSnapshot, SaleState } from "../sale/sale.ts";

/** One purchase request, as the ledger sees it. */
export interface HoldRequest {
  /** The client's Idempotency-Key, or one that the node made up. */
  readonly key: string;
  /** Empty where the request named no buyer. */
  readonly buyer: string;
  readonly quantity: number;
  /** 16 random hex digits: what makes an order id unguessable, since knowing it lets one cancel. */
  readonly token: string;
}

/** What the ledger decided of one request. */
export type HoldResult =
  | {
      readonly kind: "sold";
      readonly order: string;
      readonly serial: number;
      readonly quantity: number;
      readonly payByMs: number;
    }
  | { readonly kind: "soldOut" }
  | { readonly kind: "notOnSale" }
  | { readonly kind: "limitReached" }
  | { readonly kind: "fewerLeft" }
  | { readonly kind: "buyerMissing" };

/** What every reply has of the sale as a whole. */
export interface Observation {
  readonly left: number;
  readonly epoch: number;
}

export interface HoldReply extends Observation {
  /** As stored; what a refusal is explained with. */
  readonly state: SaleState;
  readonly limit: number;
  readonly opensAtMs: number;
  /** One result a request, in the order of the batch. */
  readonly results: readonly HoldResult[];
  /** False: the durability asked for was not reached, so what is "sold" is undecided. */
  readonly durable: boolean;
}

/** What a node learns when it reports that it lives: of all sales, and of no one in particular. */
export interface Heartbeat {
  /** The ledger's clock, in milliseconds. */
  readonly nowMs: number;
  /**
   * Another number than before: the definition of a sale changed, or an epoch began. What happened
   * before this heartbeat is in what is read of a sale after it.
   */
  readonly changed: number;
  readonly livingWeight: number;
  /** Nodes that live, this one included. */
  readonly livingNodes: number;
}

/** How sure a "sold" is: in memory, fsynced by the primary, or held by a replica as well. */
export type Durability = "memory" | "primary" | "replica";

/**
 * Why a call has no answer. Expected, so a value and not an exception:
 * `notSent`: nothing reached the ledger; `refused`: the ledger refused before it wrote anything;
 * `unknown`: it may or may not have been executed - never to be called failed.
 */
export interface Failure {
  readonly kind: "notSent" | "refused" | "unknown";
  readonly reason: string;
}

export type Reply<T> = { readonly kind: "ok"; readonly value: T } | Failure;

/**
 * The truth, as a ticket node uses it. All calls are bounded in time and never throw for what a
 * network or a Redis can do; they throw only for programming errors.
 */
export interface Ledger {
  /** Connected and able to take a call. */
  readonly ready: boolean;
  /** Decides a batch (1 to 1000 requests). `null`: there is no such sale. Repeating it is harmless. */
  hold(sale: string, requests: readonly HoldRequest[]): Promise<Reply<HoldReply | null>>;
  /** Reports that this node lives, with its weight; 0: that it leaves. Once for all its sales. */
  heartbeat(weight: number): Promise<Reply<Heartbeat>>;
  /** Reads sales (1 to 1000), by the ledger's clock; one reply a sale. `null`: no such sale. */
  readSales(sales: readonly string[]): Promise<readonly Reply<SaleSnapshot | null>[]>;
  /** The order of each key (1 to 1000), or null where it has none. `null`: no such sale. */
  lookup(sale: string, keys: readonly string[]): Promise<Reply<LookupReply | null>>;
  /** Every key that was ever sold, or null if there are more than `most`. */
  soldKeys(sale: string, most: number): Promise<Reply<ReadonlySet<string> | null>>;
  /** Confirms orders as paid (1 to 1000). `null`: no such sale. Repeating it is harmless. */
  confirm(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>>;
  /** Cancels held orders (1 to 1000). `null`: no such sale. Repeating it is harmless. */
  cancel(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>>;
  /** The order with this serial, or null. */
  readOrder(sale: string, serial: number): Promise<Reply<OrderRecord | null>>;
  /** Called when the ledger becomes ready, and when it is lost; what was learnt before is stale. */
  onConnection(listener: (ready: boolean) => void): void;
  close(): Promise<void>;
}

export interface LookupReply {
  readonly orders: readonly (OrderRecord | null)[];
  readonly durable: boolean;
}

/** Names an order within its sale; the token proves that whoever names it was given its id. */
export interface OrderRef {
  readonly serial: number;
  readonly token: string;
}

/** What a confirmation or a cancellation came to. */
export type OrderChange =
  | { readonly kind: "done"; readonly order: OrderRecord }
  | { readonly kind: "unknownOrder" }
  /** Paid too late: it was cancelled, or it lapsed and nothing is left to revive it with. */
  | { readonly kind: "refund" }
  /** It is paid, so it cannot be cancelled. */
  | { readonly kind: "alreadyPaid" };

export interface ChangeReply extends Observation {
  /** One result an order. */
  readonly results: readonly OrderChange[];
  /** False: the durability asked for was not reached, so what is "done" is undecided. */
  readonly durable: boolean;
}
