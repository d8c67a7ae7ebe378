import { parseArgs } from "node:util";

/**
 * `crowd.ts URL [--requests N] [--connections N] [--until-sold-out] [--keys PREFIX]`
 *
 * Sends purchases until the number is reached, or a 410 came and everybody has finished, and counts
 * what came of them. With --keys each request has a key of its own, and one that was not decided
 * (202, 503, no answer at all) is sent again with the same key, as an honest client would.
 * Prints JSON: statuses, orders, duplicate orders, requests that were never decided.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: "string", default: "100000" },
    connections: { type: "string", default: "20" },
    "until-sold-out": { type: "boolean", default: false },
    keys: { type: "string" },
  },
});
const url = positionals[0] ?? "";
const requestsMax = Number(values.requests);
/** Together with the pause far longer than any restart in a test takes. */
const attemptsMax = 300;
const attemptPauseMs = 50;

const statuses: Record<string, number> = {};
const orders = new Map<string, number>();
let sent = 0;
let neverDecided = 0;
let soldOut = false;

async function attempt(key: string | null): Promise<number> {
  try {
    const headers: Record<string, string> = key === null ? {} : { "Idempotency-Key": key };
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(url, { method: "POST", headers, signal });
    const body = await response.text();
    if (response.status === 201) {
      const order = /"order":"([^"]+)"/.exec(body)?.[1] ?? "none";
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    return response.status;
  } catch {
    return 0;
  }
}

async function buy(key: string | null): Promise<void> {
  for (let n = 1; n <= attemptsMax; n += 1) {
    const status = await attempt(key);
    statuses[status] = (statuses[status] ?? 0) + 1;
    soldOut ||= status === 410;
    if (status !== 202 && status !== 503 && status !== 0) {
      return;
    }
    if (key === null) {
      break;
    }
    await Bun.sleep(attemptPauseMs);
  }
  neverDecided += 1;
}

async function connection(): Promise<void> {
  while (sent < requestsMax && !(values["until-sold-out"] && soldOut)) {
    sent += 1;
    await buy(values.keys === undefined ? null : `${values.keys}-${sent}`);
  }
}

await Promise.all(Array.from({ length: Number(values.connections) }, connection));
const duplicates = [...orders.values()].filter((count) => count > 1).length;
console.log(JSON.stringify({ sent, statuses, sold: orders.size, duplicates, neverDecided }));
