import type { Redis } from "ioredis";

import { callScript } from "../call-script.ts";
import { saleKeys } from "../keys.ts";
import { scriptStatus } from "../script-status.ts";
import { outboxScripts } from "../scripts.ts";
import { OperationError, withSession } from "../session.ts";

/** A record of an entry of the outbox that cannot be stored, or an entry as a whole. */
export interface DeadRecord {
  /** In the entry, from 0; -1: the entry as a whole, which has no token and no record then. */
  readonly place: number;
  readonly token: string;
  /** In its full form; as it stands in the entry where it could not be read. */
  readonly record: string;
  readonly reason: string;
}

/** What no worker could store. */
export interface DeadLetter extends DeadRecord {
  /** Its id among the dead letters; its time is when it was given up. */
  readonly id: string;
  /** The entry's id in the outbox. */
  readonly entry: string;
  /** How often the entry was delivered. */
  readonly tries: number;
  /** The fields of an entry that is a dead letter as a whole, as JSON; else empty. */
  readonly text: string;
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
    const { dead, stock } = saleKeys(sale);
    if ((await client.exists(stock, dead)) === 0) {
      throw noSale(sale);
    }
    // Those that come meanwhile are not waited for, or this might never end.
    const [last] = await client.xrevrange(dead, "+", "-", "COUNT", 1);
    const lastId = last?.[0] ?? "0-0";
    for (let page = await readPage(client, dead, "-", lastId); page.length > 0;) {
      await work(page);
      page = await readPage(client, dead, `(${page.at(-1)?.id}`, lastId);
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
    const { events, dead, stock } = saleKeys(sale);
    const keys = [events, dead, stock];
    let replayed = 0;
    for (let at = 0; at < ids.length; at += pageMax) {
      const some = ids.slice(at, at + pageMax);
      const count = Number(await callScript(client, outboxScripts.replay, keys, some));
      if (count === scriptStatus.noSale) {
        throw noSale(sale);
      }
      replayed += count;
    }
    return replayed;
  });
}

function noSale(sale: string): OperationError {
  return new OperationError(`there is no sale ${sale}; "sluice sale list" shows those there are`);
}

async function readPage(
  client: Redis,
  dead: string,
  from: string,
  to: string,
): Promise<DeadLetter[]> {
  const page = await client.xrange(dead, from, to, "COUNT", pageMax);
  return page.map(([id, fields]) => {
    const field = (name: string): string => {
      const at = fields.indexOf(name);
      // Names stand at even places; a value that is called like one does not.
      return at >= 0 && at % 2 === 0 ? (fields[at + 1] ?? "") : "";
    };
    return {
      id,
      entry: field("entry"),
      place: Number(field("place")),
      reason: field("reason"),
      tries: Number(field("tries")),
      token: field("token"),
      record: field("record"),
      text: field("text"),
    };
  });
}
