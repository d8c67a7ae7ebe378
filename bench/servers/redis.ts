import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { Redis } from "ioredis";

import { readRedisSize, type RedisSize } from "../redis-size.ts";
import type { Process, Workshop } from "../workshop.ts";

const configuration = join(import.meta.dir, "..", "..", "redis", "redis.conf");

/** WAITAOF came with 7.2. */
const waitAofVersion = [7, 2] as const;

/** A Redis of the benchmark's own, with the configuration that Sluice ships. */
export class BenchRedis {
  readonly url: string;
  readonly client: Redis;
  readonly version: string;
  readonly #process: Process;
  readonly #folder: string;

  private constructor(child: Process, folder: string, url: string, client: Redis, version: string) {
    this.#process = child;
    this.#folder = folder;
    this.url = url;
    this.client = client;
    this.version = version;
  }

  get pid(): number {
    return this.#process.pid;
  }

  static async start(workshop: Workshop, name: string): Promise<BenchRedis> {
    const port = workshop.port();
    const folder = join(workshop.folder, name);
    await mkdir(folder);
    const child = workshop.start({
      name,
      command: ["redis-server", configuration, "--port", String(port), "--dir", folder],
    });
    const client = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: 3 });
    client.on("error", () => undefined); // It shows as the rejection of a command.
    // Also where a measurement breaks off: it would look for its server for ever.
    workshop.onClose(() => Promise.resolve(client.disconnect()));
    await workshop.untilReady(child, async () => (await client.ping()) === "PONG");
    const version = /redis_version:(\S+)/.exec(await client.info("server"))?.[1] ?? "unknown";
    return new BenchRedis(child, folder, `redis://127.0.0.1:${port}/0`, client, version);
  }

  get hasWaitAof(): boolean {
    const [major = 0, minor = 0] = this.version.split(".").map(Number);
    return major > waitAofVersion[0] || (major === waitAofVersion[0] && minor >= waitAofVersion[1]);
  }

  /** Makes it fsync before it answers, without which a node refuses the durability `primary`. */
  async prepareForPrimary(): Promise<string> {
    await this.client.config("SET", "appendfsync", "always");
    const wait = this.hasWaitAof ? ", WAITAOF 1 0 after each batch" : "";
    return `Redis ${this.version}: appendfsync always${wait}`;
  }

  /** Lets the append-only file only grow, so that its growth tells what was written. */
  async keepFileAsWritten(): Promise<void> {
    await this.client.config("SET", "auto-aof-rewrite-percentage", 0);
  }

  /** What its data takes now. */
  async size(): Promise<RedisSize> {
    const persistence = await this.client.info("persistence");
    return readRedisSize(persistence + (await this.client.info("memory")));
  }

  /** Ends it and deletes its files, so that it takes nothing from the measurements that follow. */
  async stop(workshop: Workshop): Promise<void> {
    this.client.disconnect();
    await workshop.end(this.#process);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
