import { Redis, type RedisOptions } from "ioredis";

import { formatFault } from "./format.ts";

export interface ClientOptions {
  /** `redis://[user:password@]host:port[/db]` */
  readonly url: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** How long a TCP connection may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long a command may take; without it that is for its caller to bound. */
  readonly commandTimeoutMs?: number;
  /** False: ready as soon as it is connected, also while Redis is loading its data. */
  readonly readyCheck?: boolean;
}

/**
 * ioredis, as it comes, sends unanswered commands again after it reconnects, and so would sell
 * twice. Here a client lives for one connection only: it never reconnects, so it cannot resend.
 * Whatever had no answer when it closed is rejected, and its sender decides what that means.
 */
const oneConnection = {
  lazyConnect: true,
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  reconnectOnError: null,
  enableAutoPipelining: false,
  noDelay: true,
  keepAlive: 5_000,
  // While Redis loads its data it is asked again this often; ioredis would trust its estimate, which
  // at first is far too long, for up to ten seconds.
  maxLoadingRetryTime: 200,
  // A connection is given up because its peer does not answer: no use to wait for its goodbye, as
  // ioredis does for two seconds, while batches wait to be called unknown and sent again.
  disconnectTimeout: 50,
} as const satisfies RedisOptions;

/**
 * A client that is not connected yet: the one place where a connection to Redis is made. Faults of
 * the connection come as its "error" events; somebody has to listen to them.
 */
export function createClient(options: ClientOptions): Redis {
  const { url, name, connectTimeoutMs, commandTimeoutMs, readyCheck = true } = options;
  return new Redis(url, {
    ...oneConnection,
    connectionName: name,
    connectTimeout: connectTimeoutMs,
    enableReadyCheck: readyCheck,
    ...(commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs }),
  });
}

/** A ledger that is there, but of a form that this program must not touch. */
export class FormatError extends Error {
  override name = "FormatError";
}

/** A client that is ready, within a bound. Rejects with the reason why there is none. */
export async function connect(
  options: ClientOptions & { readonly readyTimeoutMs: number },
): Promise<Redis> {
  const client = createClient(options);
  let reason: Error | null = null;
  client.on("error", (error) => {
    // Once it is ready, this is what its commands are rejected with as well.
    reason = error;
  });
  const timer = setTimeout(() => {
    reason = notReady();
    client.disconnect();
  }, options.connectTimeoutMs + options.readyTimeoutMs);
  try {
    await client.connect();
    const fault = await formatFault(client);
    if (fault !== null) {
      throw new FormatError(fault);
    }
    return client;
  } catch (error) {
    client.disconnect();
    throw error instanceof FormatError ? error : (reason ?? error);
  } finally {
    clearTimeout(timer);
  }
}

/** Why a connection is given up whose Redis does not answer, or loads its data for too long. */
export function notReady(): Error {
  return new Error("Redis accepted the connection but did not become ready");
}
