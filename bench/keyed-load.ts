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

export interface KeyedLoad extends Load {
  /** What each purchase has of its own. */
  readonly headers: readonly ("key" | "buyer")[];
  /** One request in so many repeats an earlier one; 0 for none. */
  readonly replayEvery: number;
}

/** Sends POST requests with a key, a buyer or both of their own, from a process of its own. */
export async function runKeyedLoad(workshop: Workshop, load: KeyedLoad): Promise<LoadReport> {
  const { url, requests, connections, headers, replayEvery } = load;
  const printed = await workshop.run(
    {
      name: "keyed-load",
      command: [
        process.execPath,
        join(import.meta.dir, "keyed-load-process.ts"),
        url,
        String(requests),
        String(connections),
        headers.join(","),
        String(replayEvery),
      ],
    },
    loadLimitMs(requests, connections),
  );
  return Value.Parse(report, JSON.parse(printed));
}
