import { Database } from "bun:sqlite";

import { Type } from "typebox";
import { Value } from "typebox/value";

import { CommandError } from "../../src/operator/command.ts";
import type { Measured } from "./crowd.ts";

/** What is read of oha's JSON. Durations in seconds. */
const summarySchema = Type.Object({
  summary: Type.Object({ total: Type.Number({ minimum: 0 }) }),
  errorDistribution: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
});

/**
 * Reads what oha measured. Its database has a row for each answer, whatever its status, with the
 * latency corrected where a rate was given; requests without an answer are only in its JSON.
 */
export async function readMeasured(database: string, summary: string): Promise<Measured> {
  const json: unknown = await Bun.file(summary).json();
  if (!Value.Check(summarySchema, json)) {
    throw new CommandError("oha's summary has another form than that of oha 1.16");
  }
  return {
    seconds: json.summary.total,
    errors: json.errorDistribution,
    latenciesMs: readLatencies(database),
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
