import { join } from "node:path";

import { findProgram, type Plan } from "./launch.ts";
import { ROOT, StackError, type StackOptions } from "./options.ts";
import type { ProcessRecord } from "./record.ts";
import { askRedis } from "./redis-probe.ts";

/** The first version with WAITAOF, by which a node waits for the disk after each batch. */
const WAITAOF_VERSION = [7, 2] as const;

export function redisUrl(port: number): string {
  return `redis://127.0.0.1:${port}/0`;
}

export function redisDataDir(stateDir: string): string {
  return join(stateDir, "redis");
}

/** Redis with the repository's redis.conf and what is particular to this stack. */
export function planRedis(options: StackOptions): Plan {
  const program = findProgram("redis-server", "redis-server");
  const alwaysFsync = options.durability !== "memory" && !hasWaitAof(readVersion(program));
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

/** "Redis server v=7.0.15 sha=..." */
function readVersion(program: string): readonly [number, number] {
  const { stdout } = Bun.spawnSync([program, "--version"]);
  const match = /v=(\d+)\.(\d+)/.exec(stdout.toString());
  if (match === null) {
    throw new StackError(`${program} --version does not say which Redis it is`);
  }
  return [Number(match[1]), Number(match[2])];
}

function hasWaitAof([major, minor]: readonly [number, number]): boolean {
  return (
    major > WAITAOF_VERSION[0] || (major === WAITAOF_VERSION[0] && minor >= WAITAOF_VERSION[1])
  );
}
