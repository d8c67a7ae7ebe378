import { createClient } from "../../src/ledger/connect.ts";

export interface RedisFacts {
  /** Of the server process, as it reports itself. 0 if it does not (it wants a password). */
  readonly pid: number;
  readonly version: string;
  readonly loading: boolean;
}

const PROBE_TIMEOUT_MS = 1_000;

/** Asks whoever listens on the port who they are; null if it is no Redis, or nobody. */
export async function askRedis(port: number): Promise<RedisFacts | null> {
  const client = createClient({
    url: `redis://127.0.0.1:${port}`,
    name: "sluice-stack",
    connectTimeoutMs: PROBE_TIMEOUT_MS,
    commandTimeoutMs: PROBE_TIMEOUT_MS,
    readyCheck: false,
  });
  // Reported by the calls below as well.
  client.on("error", () => {});
  try {
    await client.connect();
    const info = await client.info();
    return {
      pid: Number(field(info, "process_id")),
      version: field(info, "redis_version"),
      loading: field(info, "loading") !== "0",
    };
  } catch (error) {
    const refused = error instanceof Error && /^(NOAUTH|NOPERM|DENIED)/.test(error.message);
    return refused ? { pid: 0, version: "unknown", loading: false } : null;
  } finally {
    client.disconnect();
  }
}

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\r?$`, "m").exec(info)?.[1] ?? "";
}
