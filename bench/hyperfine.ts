import { join } from "node:path";

import { Type } from "typebox";
import { Value } from "typebox/value";

import type { Workshop } from "./workshop.ts";

export interface Timing {
  readonly name: string;
  readonly command: readonly string[];
  /** Runs before each run, and is not timed. */
  readonly prepare?: readonly string[];
  readonly runs: number;
  readonly environment: Readonly<Record<string, string>>;
}

const exported = Type.Object({
  results: Type.Array(Type.Object({ times: Type.Array(Type.Number()) })),
});

const runLimitMs = 60_000;

/** Times a command with hyperfine, after one run that is not counted; seconds of each run. */
export async function runHyperfine(workshop: Workshop, timing: Timing): Promise<number[]> {
  const file = join(workshop.folder, `${timing.name}.json`);
  const { prepare, runs, environment } = timing;
  const preparation = prepare === undefined ? [] : ["--prepare", quoted(prepare)];
  const command = [
    ..."hyperfine --shell=none --style none --warmup 1 --runs".split(" "),
    String(runs),
    ...preparation,
    "--export-json",
    file,
    // So that nothing is left should hyperfine itself be killed.
    quoted(["setpriv", "--pdeathsig", "KILL", ...timing.command]),
  ];
  await workshop.run({ name: timing.name, command, environment }, runs * runLimitMs);
  const report = Value.Parse(exported, await Bun.file(file).json());
  return report.results[0]?.times ?? [];
}

/** hyperfine splits a command into words as a shell does. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
