import { parseArgs } from "node:util";

import { HttpConnection, NoAnswer } from "./http-connection.ts";
import { longestGap, medianStep } from "./longest-gap.ts";
import { epochMs, readCount, stopOfInput } from "./stop.ts";

/**
 * `prober.ts HOST PORT [--path /healthz] [--every MS] [--timeout MS] [--limit S]`
 *
 * Opens a new connection every few milliseconds and asks for the path, until its standard input is
 * closed. Prints a line of JSON when the first answer has come, and one at the end: how many
 * were answered, what became of the others, the longest gap between two answers.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: "string", default: "/healthz" },
    every: { type: "string", default: "20" },
    timeout: { type: "string", default: "1000" },
    limit: { type: "string", default: "600" },
  },
});
const server = { host: positionals[0] ?? "", port: Number(positionals[1]) };
const everyMs = readCount("every", values.every, 10_000);
const timeoutMs = readCount("timeout", values.timeout, 600_000);
const limitMs = readCount("limit", values.limit, 100_000) * 1_000;
/** More than this are never under way: a time-out's worth of them, and room for a late timer. */
const inFlightMax = 2 * Math.ceil(timeoutMs / everyMs);

const failures: Record<string, number> = {};
const successesMs: number[] = [];
let attempts = 0;
let skipped = 0;
const inFlight = new Set<Promise<void>>();
let firstFailureMs: number | null = null;
let lastFailureMs: number | null = null;

async function probe(): Promise<void> {
  const startedMs = epochMs();
  const connection = new HttpConnection(server, { connectMs: timeoutMs, answerMs: timeoutMs });
  attempts += 1;
  try {
    const headers = { Connection: "close" };
    const { status } = await connection.request({ method: "GET", path: values.path, headers });
    if (status !== 200) {
      throw new NoAnswer(`status ${status}`, true);
    }
    successesMs.push(epochMs());
    if (successesMs.length === 1) {
      console.log(JSON.stringify({ firstMs: successesMs[0] }));
    }
  } catch (error) {
    if (!(error instanceof NoAnswer)) {
      throw error;
    }
    failures[error.message] = (failures[error.message] ?? 0) + 1;
    firstFailureMs = Math.min(firstFailureMs ?? startedMs, startedMs);
    lastFailureMs = Math.max(lastFailureMs ?? startedMs, startedMs);
  } finally {
    connection.close();
  }
}

function roundedOrNull(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}

const stop = stopOfInput();
const beganMs = epochMs();
let nextMs = beganMs;
while (!stop.aborted && epochMs() - beganMs < limitMs) {
  if (inFlight.size < inFlightMax) {
    const probing = probe();
    inFlight.add(probing);
    void probing.finally(() => inFlight.delete(probing));
  } else {
    skipped += 1;
  }
  // After a stall of this process the missed ones are not made up for.
  nextMs = Math.max(nextMs + everyMs, epochMs());
  await Bun.sleep(nextMs - epochMs());
}
const endedMs = epochMs();
await Promise.all(inFlight);
const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
const { gapMs, fromMs, toMs } = longestGap(
  beganMs,
  successesMs.filter((ms) => ms <= endedMs),
  endedMs,
);
console.log(
  JSON.stringify({
    attempts,
    answered: successesMs.length,
    failed,
    failures,
    skipped,
    gapMs: Math.round(gapMs),
    gapFromMs: Math.round(fromMs),
    gapToMs: Math.round(toMs),
    stepMs: Math.round(medianStep(successesMs)),
    /** When the first and the last of those that failed set out. */
    firstFailureMs: roundedOrNull(firstFailureMs),
    lastFailureMs: roundedOrNull(lastFailureMs),
  }),
);
process.exit(0);
