import type { Redis } from "ioredis";

import { callScript } from "../call-script.ts";
import { deadLettersKey, orderGroup, replayConsumer, saleKeys } from "../keys.ts";
import { outboxScripts } from "../scripts.ts";
import { withSession } from "../session.ts";

/** An entry of the outbox that no worker could store. */
export interface DeadLetter {
  /** Its id among the dead letters; its time is when it was given up. */
  readonly id: string;
  /** The entry's id in the outbox. */
  readonly entry: string;
  readonly reason: string;
  /** How often it was delivered. */
  readonly tries: number;
  /** Names and values of the entry, by turns. */
  readonly fields: readonly string[];
}

/** Dead letters read, or sent back, at a time. */
const pageMax = 500;

/** Dead letters of a sale, oldest first, in pages. Throws `OperationError`. */
export async function eachDeadLetters(
  url: string,
  sale: string,
  work: (page: readonly DeadLetter[]) => Promise<void> | void,
): Promise<void> {
  await withSession(url, async (client) => {
    // Those that come meanwhile are not waited for, or this might never end.
    const [last] = await client.xrevrange(deadLettersKey(sale), "+", "-", "COUNT", 1);
    const lastId = last?.[0] ?? "0-0";
    for (let page = await readPage(client, sale, "-", lastId); page.length > 0;) {
      await work(page);
      page = await readPage(client, sale, `(${page.at(-1)?.id}`, lastId);
    }
  });
}

/**
 * Sends dead letters back to the order workers; those that are gone are skipped, so that it may be
 * repeated. Returns how many were sent back. Throws `OperationError`.
 */
export function replayDeadLetters(
  url: string,
  sale: string,
  ids: readonly string[],
): Promise<number> {
  return withSession(url, async (client) => {
    const keys = [saleKeys(sale).events, deadLettersKey(sale)];
    let replayed = 0;
    for (let at = 0; at < ids.length; at += pageMax) {
      const args = [orderGroup, replayConsumer, ...ids.slice(at, at + pageMax)];
      replayed += Number(await callScript(client, outboxScripts.replay, keys, args));
    }
    return replayed;
  });
}

async function readPage(
  client: Redis,
  sale: string,
  from: string,
  to: string,
): Promise<DeadLetter[]> {
  const page = await client.xrange(deadLettersKey(sale), from, to, "COUNT", pageMax);
  return page.map(([id, [, entry = "", , reason = "", , tries = "", ...fields]]) => ({
    id,
    entry,
    reason,
    tries: Number(tries),
    fields,
  }));
}
