/** The consumer group of the order workers, on the stream of every sale. */
export const orderGroup = "orders";

/** Dead letters that are sent back belong to this consumer, from which a worker takes them over. */
export const replayConsumer = "~replay";

/** Stream: entries of the outbox that no worker could store (see dead-letter.lua). */
export function deadLettersKey(sale: string): string {
  return `{sale:${sale}}:dead`;
}
