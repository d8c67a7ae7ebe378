import { CommandError } from "../../src/operator/command.ts";
import type { Measured } from "./crowd.ts";
import type { Generator, LoadFiles, LoadOptions } from "./generator.ts";
import { type LogRows, readLog } from "./h2load-log.ts";

/** A paced connection sends as often a second: Nginx and the time-out end one that is silent. */
const sendsPerSecondMin = 2;
/** So that a single connection that sends once a second is not taken for a dead one. */
const pacedTimeoutSecondsMin = 2;

/**
 * h2load 1.52 to 1.64, of Debian's nghttp2-client. A latency counts from the moment of sending, also
 * where a rate was given. A connection that is lost, or on which a request gets no answer in time, is
 * given up with all that it was to send.
 */
export const h2load: Generator = {
  name: "h2load",
  remedy: '"apt-get install nghttp2-client" brings it',
  listArguments,
  readResults,
};

function listArguments(options: LoadOptions, files: LoadFiles): string[] {
  const { extent, ratePerSecond, body, url } = options;
  const clients = countClients(options);
  const timeout =
    ratePerSecond === null
      ? options.timeoutSeconds
      : Math.max(options.timeoutSeconds, pacedTimeoutSecondsMin);
  const fixed = ["--h1", "--threads=1", "--max-concurrent-streams=1", "--header=:method: POST"];
  const crowd = [
    `--clients=${clients}`,
    `--connection-inactivity-timeout=${timeout}s`,
    "requests" in extent
      ? `--requests=${extent.requests}`
      : `--duration=${extent.durationSeconds}s`,
  ];
  if (ratePerSecond !== null) {
    crowd.push(`--rps=${ratePerSecond / clients}`);
  }
  if (body !== null) {
    crowd.push("--header=content-type: application/json", `--data=${files.body}`);
  }
  return [...fixed, ...crowd, `--log-file=${files.rows}`, url];
}

/** It refuses more connections than requests; and its rate is one for each connection. */
function countClients({ connections, extent, ratePerSecond }: LoadOptions): number {
  const paced = ratePerSecond === null ? Infinity : Math.floor(ratePerSecond / sendsPerSecondMin);
  const requests = "requests" in extent ? extent.requests : Infinity;
  return Math.max(1, Math.min(connections, paced, requests));
}

/** How many requests there were, of what it prints at the end. */
interface Counts {
  readonly total: number;
  readonly started: number;
  readonly done: number;
  readonly timedOut: number;
}

async function readResults(
  options: LoadOptions,
  files: LoadFiles,
  printed: string,
): Promise<Measured> {
  const counts = readCounts(printed);
  const rows = await readLog(files.rows);
  if (rows.answered + rows.failed < counts.done) {
    throw new CommandError(
      `h2load's log has ${rows.answered + rows.failed} of ${counts.done} requests: is the disk of ` +
        `${files.rows} full?`,
    );
  }
  return {
    seconds: rows.seconds,
    latenciesMs: rows.latenciesMs,
    errors: listErrors(options, counts, rows),
  };
}

function readCounts(printed: string): Counts {
  const [, total, started, done, timedOut] =
    /^requests: (\d+) total, (\d+) started, (\d+) done, .* (\d+) timeout$/m.exec(printed) ?? [];
  if (timedOut === undefined) {
    throw new CommandError("h2load's summary has another form than that of h2load 1.52 to 1.64");
  }
  return {
    total: Number(total),
    started: Number(started),
    done: Number(done),
    timedOut: Number(timedOut),
  };
}

/** Requests without an answer, by reason. What was started may have been decided by a node. */
function listErrors(
  { extent, timeoutSeconds }: LoadOptions,
  { total, started, timedOut }: Counts,
  { answered }: LogRows,
): Record<string, number> {
  const lost = Math.max(0, started - answered);
  const late = Math.min(lost, timedOut);
  const isTimed = "durationSeconds" in extent;
  const errors = {
    [`no answer within ${timeoutSeconds} s`]: late,
    [isTimed ? "cut off at the end, or its connection was lost" : "its connection was lost"]:
      lost - late,
    "not sent: its connection was given up": isTimed ? 0 : Math.max(0, total - started),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, count]) => count > 0));
}
