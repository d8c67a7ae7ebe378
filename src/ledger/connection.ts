import type { Redis } from "ioredis";

import { backoffMs } from "../process/backoff.ts";
import { type ClientOptions, createClient, FormatError, notReady } from "./connect.ts";
import { formatFault } from "./format.ts";
import { LedgerUnavailable, unavailable } from "./unavailable.ts";

export interface ConnectionOptions extends ClientOptions {
  /** How long Redis may take from TCP connect to ready (it may be loading its data). */
  readonly readyTimeoutMs: number;
  /** First and longest pause between two attempts. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** Called with every failed attempt and every lost connection. */
  readonly onFault: (fault: Error) => void;
}

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
    const client = createClient(this.#options);
    this.#client = client;
    const readyTimer = setTimeout(() => {
      this.#options.onFault(notReady());
      client.disconnect();
    }, this.#options.connectTimeoutMs + this.#options.readyTimeoutMs);
    client.on("error", this.#options.onFault);
    client.on("ready", () => void this.#begin(client, generation, readyTimer));
    client.on("end", () => {
      clearTimeout(readyTimer);
      const wasLive = this.#live?.client === client;
      if (wasLive) {
        this.#live = null;
        this.#options.onFault(new Error("the connection to Redis was lost"));
        this.#notify();
      }
      this.#retry();
    });
    // Its rejection is the "end" event's business; the reason came with "error".
    client.connect().catch(() => undefined);
  }

  /**
   * Runs commands on the connection that is ready now; gives it up if they take too long, so that
   * nothing is waited for twice. Throws `LedgerUnavailable`, also for what `work` throws.
   */
  async call<T>(timeoutMs: number, work: (live: LiveConnection) => Promise<T>): Promise<T> {
    const live = this.#live;
    if (live === null) {
      throw new LedgerUnavailable("notSent", "Redis is not connected");
    }
    const timer = setTimeout(
      () => this.#abandon(live.generation, `no answer within ${timeoutMs} ms`),
      timeoutMs,
    );
    try {
      return await work(live);
    } catch (error) {
      throw unavailable(error);
    } finally {
      clearTimeout(timer);
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

  /** Redis is ready: once its data is known to be of our form, so are we. */
  async #begin(client: Redis, generation: number, timer: NodeJS.Timeout): Promise<void> {
    let fault: Error | null = null;
    try {
      const reason = await formatFault(client);
      fault = reason === null ? null : new FormatError(reason);
    } catch (error) {
      fault = error instanceof Error ? error : new Error(String(error));
    }
    clearTimeout(timer);
    if (fault !== null) {
      this.#options.onFault(fault);
      client.disconnect();
    } else if (client.status === "ready") {
      this.#failures = 0;
      this.#live = { client, generation };
      this.#notify();
    }
  }

  /** Gives the current connection up, for a reason: what it was asked has no answer in time. */
  #abandon(generation: number, reason: string): void {
    if (this.#live?.generation === generation) {
      this.#options.onFault(new Error(`giving the connection to Redis up: ${reason}`));
      this.#live.client.disconnect();
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) {
      listener(this.#live);
    }
  }

  /** With jitter, so that the nodes do not come back in one wave. */
  #retry(): void {
    if (this.#closed) {
      return;
    }
    const { retryMinMs, retryMaxMs } = this.#options;
    const pauseMs = backoffMs(this.#failures, retryMinMs, retryMaxMs);
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => this.open(), pauseMs);
  }
}
