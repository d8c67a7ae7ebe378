import { stackDefaults } from "./stack/options.ts";

/** The ledger to work on: `--redis`, else SLUICE_REDIS, else that of the embedded stack. */
export function readRedisUrl(flag: unknown): string {
  const given = [flag, process.env["SLUICE_REDIS"]].find(
    (text): text is string => typeof text === "string" && text !== "",
  );
  return given ?? `redis://127.0.0.1:${stackDefaults.redisPort}/0`;
}
