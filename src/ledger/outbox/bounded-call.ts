import type { Redis } from "ioredis";

import { reasonOf } from "../../process/errors.ts";
import type { Connection } from "../connect.ts";

/**
 * The ledger did not answer, or not with what it should. Everything that workers ask of it may be
 * asked again, so whoever catches this tries again later.
 */
export class StreamUnavailable extends Error {
  override name = "StreamUnavailable";
}

/** Runs commands on the connection that is ready now; gives it up if they take too long. */
export async function callBounded<T>(
  connection: Connection,
  timeoutMs: number,
  work: (client: Redis) => Promise<T>,
): Promise<T> {
  const { live } = connection;
  if (live === null) {
    throw new StreamUnavailable("Redis is not connected");
  }
  const timer = setTimeout(
    () => connection.abandon(live.generation, `no answer within ${timeoutMs} ms`),
    timeoutMs,
  );
  try {
    return await work(live.client);
  } catch (error) {
    // ioredis rejects with what Redis said, or with why there is no answer.
    throw new StreamUnavailable(reasonOf(error), {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
