import { join } from "node:path";

import { ROOT } from "../host/checkout.ts";
import { findProgram, type Plan } from "./launch.ts";
import { type StackOptions } from "./options.ts";
import type { ProcessRecord } from "./record.ts";
import { askRedis } from "./redis-probe.ts";

export function redisUrl(port: number): string {
  return `redis://127.0.0.1:${port}/0`;
}

export function redisDataDir(stateDir: string): string {
  return join(stateDir, "redis");
}

/** Redis with the repository's redis.conf and what is particular to this stack. */
export function planRedis(options: StackOptions): Plan {
  const program = findProgram("redis-server", "redis-server");
  // Before 7.2 Redis has no WAITAOF, so this is the only way. From 7.2 on WAITAOF would do, but
  // under "everysec" it waits for the next full second: on Redis 8.0 fewer than 500 sales in 30 s
  // to 20 connections, where 7.0 with "always" makes 10 thousand a second.
  const alwaysFsync = options.durability !== "memory";
  return {
    role: "redis",
    name: "redis",
    port: options.redisPort,
    weight: null,
    command: [
      program,
      join(ROOT, "redis", "redis.conf"),
      "--bind",
      "127.0.0.1",
      "--port",
      String(options.redisPort),
      "--dir",
      redisDataDir(options.stateDir),
      ...(alwaysFsync ? ["--appendfsync", "always"] : []),
    ],
    environment: {},
    logPath: join(options.stateDir, "logs", "redis.log"),
  };
}

/** Whether the Redis that answers is the very process that was started, and has loaded its data. */
export async function isRedisReady(started: ProcessRecord): Promise<boolean> {
  const facts = await askRedis(started.port);
  return facts !== null && facts.pid === started.identity.pid && !facts.loading;
}
