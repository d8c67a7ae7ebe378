/** What a Redis takes for its data. */
export interface RedisSize {
  /** Of the append-only file, all its parts. */
  readonly fileBytes: number;
  /** Of memory as the allocator gave it out. */
  readonly memoryBytes: number;
}

/** Out of INFO's sections `persistence` and `memory`. Throws while the file is being rewritten. */
export function readRedisSize(info: string): RedisSize {
  const field = (name: string): number => {
    const value = new RegExp(`^${name}:(\\d+)\\r?$`, "m").exec(info)?.[1];
    if (value === undefined) {
      throw new Error(`Redis does not report ${name}`);
    }
    return Number(value);
  };
  if (field("aof_rewrite_in_progress") !== 0) {
    throw new Error("Redis rewrites its append-only file, so its growth means nothing");
  }
  return { fileBytes: field("aof_current_size"), memoryBytes: field("used_memory") };
}
