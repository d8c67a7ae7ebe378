import { join } from "node:path";

import { Type } from "typebox";
import { Value } from "typebox/value";

import { type Load, loadLimitMs, type LoadReport } from "./oha.ts";
import type { Workshop } from "./workshop.ts";

const report = Type.Object({
  requests: Type.Integer(),
  seconds: Type.Number(),
  statuses: Type.Record(Type.String(), Type.Integer()),
});

/** Sends POST requests with a new Idempotency-Key in each, from a process of its own. */
export async function runKeyedLoad(workshop: Workshop, load: Load): Promise<LoadReport> {
  const { url, requests, connections } = load;
  const printed = await workshop.run(
    {
      name: "keyed-load",
      command: [
        process.execPath,
        join(import.meta.dir, "keyed-load-process.ts"),
        url,
        String(requests),
        String(connections),
      ],
    },
    loadLimitMs(requests),
  );
  return Value.Parse(report, JSON.parse(printed));
}
