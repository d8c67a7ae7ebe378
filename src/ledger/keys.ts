/**
 * Names of everything that the ledger keeps in Redis, in one place.
 * All keys of one sale carry the hash tag `{sale:ID}`, so a Redis Cluster can spread sales
 * while each script still finds all of its keys in one slot.
 */
export interface SaleKeys {
  /**
   * Hash: counters (total, held, paid, serial, epoch, records) and definition (state, limit, holdMs,
   * opensAtMs, revision), createdAtMs, createdBy, and secretId, which names the secret.
   */
  readonly stock: string;
  /** String: 256 bits, from which the tokens of the sale's orders are made. Never changed. */
  readonly secret: string;
  /** Hash: token -> record (see src/sale/order.ts). The only copy of an order. */
  readonly orders: string;
  /**
   * Hash: ref of a batch -> its entry in the outbox, its first serial, when it was held, by when it
   * is to be paid, how many records still name it. It goes with the last of these.
   */
  readonly batches: string;
  /** Hash: buyer id -> tickets held or paid; only where the sale has a limit. */
  readonly buyers: string;
  /**
   * Sorted set: "b" and the ref of a batch, or "o" and the token of an order that names none, by the
   * millisecond at which the hold lapses.
   */
  readonly deadlines: string;
  /** Stream: the outbox, one entry for each call of a script that changed orders or the sale. */
  readonly events: string;
  /** Stream: records of the outbox that no worker could store (see dead-letter.lua). */
  readonly dead: string;
  /** Hash: operator's operation key -> quantity, so that a repeated restock counts once. */
  readonly operations: string;
}

export function saleKeys(sale: string): SaleKeys {
  const tag = `{sale:${sale}}`;
  return {
    stock: `${tag}:stock`,
    secret: `${tag}:secret`,
    orders: `${tag}:orders`,
    batches: `${tag}:batches`,
    buyers: `${tag}:buyers`,
    deadlines: `${tag}:deadlines`,
    events: `${tag}:events`,
    dead: `${tag}:dead`,
    operations: `${tag}:operations`,
  };
}

/** String: the number of the ledger's form; not there where there was never a sale. */
export const formatKey = "sluice:format";

/** The form that this program reads and writes. ARCHITECTURE.md draws it. */
export const ledgerFormat = "1";

/** Hash: process -> "beatMs weight generation release" (see heartbeat.lua). */
export const nodesKey = "sluice:nodes";

/** Counter: grows whenever a sale's definition or epoch changes. */
export const changedKey = "sluice:changed";

/** Set: ids of all sales. Not in any sale's slot; `list` drops ids whose sale does not exist. */
export const salesKey = "sluice:sales";

/** The consumer group of the order workers, on the stream of every sale. */
export const orderGroup = "orders";
