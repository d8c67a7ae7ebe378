import type { Redis } from "ioredis";

import { textOf } from "./shapes.ts";

export type Entry = readonly [id: string, fields: Readonly<Record<string, string>>];

/** Everything that a server stores, key by key, in a form that a failing test prints well. */
export async function contents(client: Redis): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const key of (await client.keys("*")).sort()) {
    all[key] = await contentOf(client, key);
  }
  return all;
}

async function contentOf(client: Redis, key: string): Promise<unknown> {
  const type = await client.type(key);
  switch (type) {
    case "string":
      return client.get(key);
    case "hash":
      return client.hgetall(key);
    case "set":
      return (await client.smembers(key)).sort();
    case "list":
      return client.lrange(key, 0, -1);
    case "zset":
      return client.zrange(key, "0", "-1", "WITHSCORES");
    case "stream":
      return entries(client, key);
    default:
      throw new Error(`${key}: what is a ${type}?`);
  }
}

/** The entries of a stream, oldest first. */
export async function entries(client: Redis, key: string): Promise<Entry[]> {
  const raw = await client.xrange(key, "-", "+");
  return raw.map(([id, flat]) => {
    const fields: Record<string, string> = {};
    for (let i = 0; i < flat.length; i += 2) {
      fields[textOf(flat[i])] = textOf(flat[i + 1]);
    }
    return [id, fields];
  });
}

/** How many changes the server has made since it started: what WAIT, AOF and replicas see. */
export async function changes(client: Redis): Promise<number> {
  const info = await client.info("persistence");
  return Number(/rdb_changes_since_last_save:(\d+)/.exec(info)?.[1]);
}

/** Runs `work`, and returns what it gave and how many changes it made. */
export async function countingChanges<T>(
  client: Redis,
  work: () => Promise<T>,
): Promise<{ value: T; made: number }> {
  const before = await changes(client);
  const value = await work();
  return { value, made: (await changes(client)) - before };
}

/** How often a command was executed, by the server's own count; scripts' inner calls included. */
export async function calls(client: Redis, command: string): Promise<number> {
  const info = await client.info("commandstats");
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(info)?.[1] ?? 0);
}
