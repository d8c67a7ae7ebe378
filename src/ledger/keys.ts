/**
 * Names of everything that the ledger keeps in Redis, in one place.
 * All keys of one sale carry the hash tag `{sale:ID}`, so a Redis Cluster can spread sales
 * while each script still finds all of its keys in one slot.
 */
export interface SaleKeys {
  /** Hash: total, held, paid, limit, holdMs, opensAtMs, state, epoch, serial, createdAtMs. */
  readonly stock: string;
  /** Hash: request key -> serial. Never shrinks, so a key is answered for ever. */
  readonly requests: string;
  /** Hash: serial -> order record (see src/sale/order.ts). */
  readonly orders: string;
  /** Hash: buyer id -> tickets held or paid. */
  readonly buyers: string;
  /**
   * Sorted set: "first-last", the serials of one batch, by the millisecond at which its holds
   * lapse. One member a batch: all of a batch lapse together, and a member an order would be the
   * dearest write of hold.lua.
   */
  readonly deadlines: string;
  /** Stream: the outbox, one entry for each change of an order or of the sale. */
  readonly events: string;
  /** Hash: operator's operation key -> quantity, so that a repeated restock counts once. */
  readonly operations: string;
}

export function saleKeys(sale: string): SaleKeys {
  const tag = `{sale:${sale}}`;
  return {
    stock: `${tag}:stock`,
    requests: `${tag}:requests`,
    orders: `${tag}:orders`,
    buyers: `${tag}:buyers`,
    deadlines: `${tag}:deadlines`,
    events: `${tag}:events`,
    operations: `${tag}:operations`,
  };
}

/** Set: ids of all sales. Not in any sale's slot; `list` drops ids whose sale does not exist. */
export const salesKey = "sluice:sales";

/** Hash: node instance -> "beatMs weight generation release" (see heartbeat.lua), for all sales. */
export const nodesKey = "sluice:nodes";

/**
 * Counter: moved by every script that changes a sale's definition or begins an epoch of it (see
 * lib/changed.lua), so that nobody has to read sales in which nothing happens.
 */
export const changedKey = "sluice:changed";

/** The consumer group of the order workers, on the stream of every sale. */
export const orderGroup = "orders";

/** Dead letters that are sent back belong to this consumer, from which a worker takes them over. */
export const replayConsumer = "~replay";

/** Stream: entries of the outbox that no worker could store (see dead-letter.lua). */
export function deadLettersKey(sale: string): string {
  return `{sale:${sale}}:dead`;
}
