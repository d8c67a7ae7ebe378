import { Redis, type RedisOptions } from "ioredis";

export interface ConnectionOptions {
  /** `redis://[user:password@]host:port[/db]` */
  readonly url: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** How long a TCP connection may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long Redis may take from TCP connect to ready (it may be loading its data). */
  readonly readyTimeoutMs: number;
  /** First and longest pause between two attempts. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** Told of every failed attempt and every lost connection. */
  readonly onFault: (fault: Error) => void;
}

/**
 * ioredis, as it comes, sends unanswered commands again after it reconnects, and so would sell
 * twice. Here a client lives for one connection only: it never reconnects, so it cannot resend.
 * Whatever had no answer when it closed is rejected, and its sender decides what that means.
 */
export const oneConnectionOptions = {
  lazyConnect: true,
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  reconnectOnError: null,
  enableAutoPipelining: false,
  enableReadyCheck: true,
  noDelay: true,
  keepAlive: 5_000,
  // While Redis loads its data it is asked again this often; ioredis would trust its estimate, which
  // at first is far too long, for up to ten seconds.
  maxLoadingRetryTime: 200,
  // A connection is given up because its peer does not answer: no use to wait for its goodbye, as
  // ioredis does for two seconds, while batches wait to be called unknown and sent again.
  disconnectTimeout: 50,
} as const satisfies RedisOptions;

/** One live connection. `generation` grows with every connection of this process. */
export interface LiveConnection {
  readonly client: Redis;
  readonly generation: number;
}

/** Keeps one connection to Redis up, for as long as it is not closed. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #listeners: ((live: LiveConnection | null) => void)[] = [];
  #live: LiveConnection | null = null;
  #client: Redis | null = null;
  #generation = 0;
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The connection that is ready now, or null. */
  get live(): LiveConnection | null {
    return this.#live;
  }

  /** Called with every connection that becomes ready, and with null when it is lost. */
  onChange(listener: (live: LiveConnection | null) => void): void {
    this.#listeners.push(listener);
  }

  /** Starts connecting, in the background and until `close`. */
  open(): void {
    this.#generation += 1;
    const generation = this.#generation;
    const client = new Redis(this.#options.url, {
      ...oneConnectionOptions,
      connectionName: this.#options.name,
      connectTimeout: this.#options.connectTimeoutMs,
    });
    this.#client = client;
    const readyTimer = setTimeout(() => {
      this.#options.onFault(new Error("Redis accepted the connection but did not become ready"));
      client.disconnect();
    }, this.#options.connectTimeoutMs + this.#options.readyTimeoutMs);
    client.on("error", this.#options.onFault);
    client.on("ready", () => {
      clearTimeout(readyTimer);
      this.#failures = 0;
      this.#live = { client, generation };
      this.#tell();
    });
    client.on("end", () => {
      clearTimeout(readyTimer);
      const wasLive = this.#live?.client === client;
      if (wasLive) {
        this.#live = null;
        this.#options.onFault(new Error("the connection to Redis was lost"));
        this.#tell();
      }
      this.#retry();
    });
    // Its rejection is the "end" event's business; the reason came with "error".
    client.connect().catch(() => undefined);
  }

  /** Gives the current connection up, for a reason: what it was asked has no answer in time. */
  abandon(generation: number, reason: string): void {
    if (this.#live?.generation === generation) {
      this.#options.onFault(new Error(`giving the connection to Redis up: ${reason}`));
      this.#live.client.disconnect();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retryTimer !== null) {
      clearTimeout(this.#retryTimer);
    }
    const client = this.#client;
    if (client === null || client.status === "end") {
      return;
    }
    await new Promise<void>((resolve) => {
      client.once("end", resolve);
      client.disconnect();
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      listener(this.#live);
    }
  }

  /** Exponential, capped, with jitter, so that the nodes do not come back in one wave. */
  #retry(): void {
    if (this.#closed) {
      return;
    }
    const { retryMinMs, retryMaxMs } = this.#options;
    const pauseMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => this.open(), pauseMs * (0.5 + Math.random() / 2));
  }
}
