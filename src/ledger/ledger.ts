import type { OrderRecord, OrderRef } from "../sale/order.ts";
import type { SaleSnapshot, SaleState } from "../sale/sale.ts";

/** One purchase request, as the ledger sees it. */
export interface HoldRequest {
  /** Made from the sale's secret, the buyer and the key: the same request has the same token. */
  readonly token: string;
  /** Empty where the request named no buyer. */
  readonly buyer: string;
  readonly quantity: number;
  /** Of buyer and key: see `requestHash`. */
  readonly hash: string;
}

/** Requests that are decided in one step; what is sent again is the same batch, unchanged. */
export interface HoldBatch {
  /** Names it among all batches of the sale, of all processes. */
  readonly ref: string;
  /** Of the secret that the tokens were made with; the ledger refuses another one than its own. */
  readonly secretId: string;
  /** 1 to 1000, no token twice. */
  readonly requests: readonly HoldRequest[];
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
  | { readonly kind: "buyerMissing" }
  | Unreadable;

/** There is an order, and its record cannot be read: nobody can tell what became of it. */
export interface Unreadable {
  readonly kind: "unreadable";
}

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
  /** Decides a batch. `null`: there is no such sale. Repeating it is harmless. */
  hold(sale: string, batch: HoldBatch): Promise<Reply<HoldReply | null>>;
  /** What the tokens of a sale are made from. `null`: there is no such sale. */
  readSecret(sale: string): Promise<Reply<string | null>>;
  /** Reports that this node lives, with its weight; 0: that it leaves. Once for all its sales. */
  heartbeat(weight: number): Promise<Reply<Heartbeat>>;
  /** Reads sales (1 to 1000), by the ledger's clock; one reply a sale. `null`: no such sale. */
  readSales(sales: readonly string[]): Promise<readonly Reply<SaleSnapshot | null>[]>;
  /**
   * The order of each token (1 to 1000), or null where it has none. `null`: no such sale.
   * `secretId`: as for a batch.
   */
  lookup(
    sale: string,
    secretId: string,
    tokens: readonly string[],
  ): Promise<Reply<LookupReply | null>>;
  /**
   * The hash of buyer and key of every order (`requestHash`); null if there are more than `most`, or
   * one that cannot be read.
   */
  soldOrders(sale: string, most: number): Promise<Reply<ReadonlySet<string> | null>>;
  /** Confirms orders as paid (1 to 1000). `null`: no such sale. Repeating it is harmless. */
  confirm(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>>;
  /** Cancels held orders (1 to 1000). `null`: no such sale. Repeating it is harmless. */
  cancel(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>>;
  /** The order with this token and this serial, or null. */
  readOrder(sale: string, order: OrderRef): Promise<Reply<OrderRecord | null>>;
  /** Called when the ledger becomes ready, and when it is lost; what was learnt before is stale. */
  onConnection(listener: (ready: boolean) => void): void;
  close(): Promise<void>;
}

export interface LookupReply {
  readonly orders: readonly (OrderRecord | Unreadable | null)[];
  readonly durable: boolean;
}

/** What a confirmation or a cancellation came to. */
export type OrderChange =
  | { readonly kind: "done"; readonly order: OrderRecord }
  | { readonly kind: "unknownOrder" }
  /** Paid too late: it was cancelled, or it lapsed and nothing is left to revive it with. */
  | { readonly kind: "refund" }
  /** It is paid, so it cannot be cancelled. */
  | { readonly kind: "alreadyPaid" }
  | Unreadable;

export interface ChangeReply extends Observation {
  /** One result an order. */
  readonly results: readonly OrderChange[];
  /** False: the durability asked for was not reached, so what is "done" is undecided. */
  readonly durable: boolean;
}
