import { Database } from "bun:sqlite";

import { Type } from "typebox";
import { Value } from "typebox/value";

import { CommandError } from "../../src/operator/command.ts";
import type { Measured } from "./crowd.ts";
import type { Generator, LoadFiles, LoadOptions } from "./generator.ts";

/** What is read of oha's JSON. Durations in seconds. */
const summarySchema = Type.Object({
  summary: Type.Object({ total: Type.Number({ minimum: 0 }) }),
  errorDistribution: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
});

/**
 * Oha 1.16. A given rate is held against the time at which a request should have been sent, so that
 * a stall is not hidden by the requests that were not sent during it.
 */
export const oha: Generator = {
  name: "oha",
  remedy: '"./sluice load" installs it, and "./sluice demo --with oha" does',
  listArguments,
  readResults,
};

function listArguments(options: LoadOptions, files: LoadFiles): string[] {
  const { extent, ratePerSecond, body } = options;
  const fixed = ["-m", "POST", "--http-version", "1.1", "--redirect", "0", "--no-tui"];
  const results = ["--output-format", "json", "-o", files.summary, "--db-url", files.rows];
  const crowd = ["-c", String(options.connections), "-t", `${options.timeoutSeconds}s`];
  if ("requests" in extent) {
    crowd.push("-n", String(extent.requests));
  } else {
    // What is under way at the end is waited for: cut off, nobody would know what it got.
    crowd.push("-z", `${extent.durationSeconds}s`, "-w");
  }
  if (ratePerSecond !== null) {
    crowd.push("-q", String(ratePerSecond), "--latency-correction");
  }
  if (body !== null) {
    crowd.push("-T", "application/json", "-D", files.body);
  }
  return [...fixed, ...crowd, ...results, options.url];
}

/**
 * Its database has a row for each answer, whatever its status, with the latency corrected where a
 * rate was given; requests without an answer are only in its JSON.
 */
async function readResults(_options: LoadOptions, files: LoadFiles): Promise<Measured> {
  const json: unknown = await Bun.file(files.summary).json();
  if (!Value.Check(summarySchema, json)) {
    throw new CommandError("oha's summary has another form than that of oha 1.16");
  }
  return {
    seconds: json.summary.total,
    errors: json.errorDistribution,
    latenciesMs: readLatencies(files.rows),
  };
}

function readLatencies(path: string): Map<number, Float64Array> {
  const database = new Database(path, { readonly: true });
  try {
    const count = "SELECT status, COUNT(*) AS answers FROM oha GROUP BY status ORDER BY status";
    const counts = database.query<{ status: number; answers: number }, []>(count).all();
    const latencies = new Map<number, Float64Array>();
    for (const { status, answers } of counts) {
      latencies.set(status, readLatenciesOf(database, status, answers));
    }
    return latencies;
  } finally {
    database.close();
  }
}

/** Row by row: a million answers as objects would take a hundred times what they take as numbers. */
function readLatenciesOf(database: Database, status: number, answers: number): Float64Array {
  const rows = database.query<{ duration: number }, [number]>(
    "SELECT duration FROM oha WHERE status = ?",
  );
  const latencies = new Float64Array(answers);
  let index = 0;
  for (const { duration } of rows.iterate(status)) {
    latencies[index] = duration * 1_000;
    index += 1;
  }
  return latencies;
}
