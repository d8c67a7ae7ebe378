import type { Redis } from "ioredis";

import { callScript } from "./call-script.ts";
import type { Durability } from "./ledger.ts";
import type { RawReply, ScriptReply } from "./script-codec.ts";
import type { Script } from "./script.ts";

/** Replicas that have it; or whether the primary has synced it, and how many replicas have. */
type Reached = number | readonly [number, number];
type Way = "WAITAOF" | "WAIT" | "none";

/**
 * Sends a script and, on the same connection, the wait for its durability; compares the reply.
 *
 * `primary`: fsynced by the primary, which must run with `appendfsync always`: it then fsyncs before
 * it answers. From Redis 7.2 on `WAITAOF 1 0` proves it; before that there is nothing to ask.
 * `replica`: on one replica as well: `WAITAOF 1 1`, before 7.2 `WAIT 1`.
 * WAITAOF asks for no sync: where the server syncs each second, a batch takes up to a second.
 */
export class DurabilityWait {
  readonly #durability: Durability;
  readonly #timeoutMs: number;
  /** What a server can do is found out once for each connection to it. */
  readonly #ways = new WeakMap<Redis, Way>();

  constructor(durability: Durability, timeoutMs: number) {
    this.#durability = durability;
    this.#timeoutMs = timeoutMs;
  }

  get needed(): boolean {
    return this.#durability !== "memory";
  }

  /** For scripts: whether a replay must write, so that the wait covers what it repeats. */
  get fence(): 0 | 1 {
    return this.needed ? 1 : 0;
  }

  /** Rejects as the script does, or the connection; a shortfall is `durable: false`. */
  async run(
    client: Redis,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<ScriptReply> {
    const way = this.#ways.get(client) ?? (await this.#findWay(client));
    if (way === "none") {
      return { raw: (await callScript(client, script, keys, args)) as RawReply, durable: true };
    }
    const replicas = this.#durability === "replica" ? 1 : 0;
    let waited: Promise<Reached | null> = Promise.resolve(null);
    const wait = (): void => {
      // A wait that fails has not reached anything; the script's own reply is what counts.
      waited = this.#wait(client, way, replicas).catch(() => null);
    };
    let raw: RawReply;
    try {
      raw = (await callScript(client, script, keys, args, wait)) as RawReply;
    } finally {
      // Also after a refusal: until it is over, the connection answers nothing else.
      await waited;
    }
    const reached = await waited;
    if (reached === null) {
      return { raw, durable: false };
    }
    const durable =
      typeof reached === "number" ? reached >= 1 : reached[0] >= 1 && reached[1] >= replicas;
    return { raw, durable };
  }

  /**
   * A replica that is asked at once reports what it had synced before it read the question, and by
   * itself only once a second: `WAITAOF 1 1` alone takes a second a batch (Redis 8.0.2: 1,003 ms,
   * with the `WAIT` before it 0.5 ms). After `WAIT` it has the batch, and its sync comes before
   * its next answer.
   */
  #wait(client: Redis, way: "WAITAOF" | "WAIT", replicas: 0 | 1): Promise<Reached> {
    if (way === "WAIT") {
      return client.call("WAIT", 1, this.#timeoutMs) as Promise<Reached>;
    }
    if (replicas === 0) {
      return client.call("WAITAOF", 1, 0, this.#timeoutMs) as Promise<Reached>;
    }
    const halfMs = Math.ceil(this.#timeoutMs / 2);
    // Its reply counts for nothing; where it fails, WAITAOF behind it fails as well.
    client.call("WAIT", 1, halfMs).catch(() => undefined);
    return client.call("WAITAOF", 1, 1, halfMs) as Promise<Reached>;
  }

  /** Asks the server what it can do. Rejects where it cannot give the durability at all. */
  async #findWay(client: Redis): Promise<Way> {
    const version = /redis_version:(\d+)\.(\d+)/.exec(await client.info("server"));
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
    const hasWaitAof = major > 7 || (major === 7 && minor >= 2);
    const settings = await client.config("GET", "append*");
    const setting = (name: string) => settings[settings.indexOf(name) + 1];
    if (setting("appendonly") !== "yes") {
      throw new Error(`MISCONF durability ${this.#durability} needs a Redis with appendonly yes`);
    }
    if (setting("appendfsync") !== "always") {
      // WAITAOF asks for no sync, it waits for the one of the second: with everysec a batch takes
      // up to a second (Redis 8.0.2: 1 s, with always 0.3 to 0.7 ms), beyond any buyer's patience.
      throw new Error(
        `MISCONF durability ${this.#durability} needs a Redis with appendfsync always`,
      );
    }
    const way = hasWaitAof ? "WAITAOF" : this.#durability === "replica" ? "WAIT" : "none";
    this.#ways.set(client, way);
    return way;
  }
}
