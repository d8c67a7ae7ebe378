import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";

import { defineCommand, runMain } from "citty";

import { reasonOf } from "../src/process/errors.ts";
import { endOnCrash } from "../src/process/program.ts";
import { selectMeasures } from "./measures.ts";
import { renderText } from "./render.ts";
import { runBench, type RunOptions } from "./run.ts";

/** `./sluice bench`. */
const bench = defineCommand({
  meta: { name: "bench", description: "Benchmarks, as ratios measured side by side in one run" },
  args: {
    names: { type: "positional", required: false, description: "which; all of them for none" },
    rounds: { type: "string", default: "5", description: "rounds of each comparison, 1 to 50" },
    connections: { type: "string", default: "100", description: "of the load, 1 to 1000" },
    scale: { type: "string", default: "1", description: "size of the loads, 0.01 to 10" },
    port: { type: "string", default: "21000", description: "first of a hundred ports to use" },
    json: { type: "string", description: "also writes the report to this file" },
    profile: { type: "string", description: "folder for processor profiles of the ticket nodes" },
  },
  async run({ args }) {
    const options: RunOptions = {
      names: namesOf(args._),
      rounds: numberOf("--rounds", args.rounds, 1, 50, true),
      connections: numberOf("--connections", args.connections, 1, 1_000, true),
      scale: numberOf("--scale", args.scale, 0.01, 10, false),
      firstPort: numberOf("--port", args.port, 1_024, 65_000, true),
      profileFolder: args.profile === undefined ? null : resolve(args.profile),
    };
    if (options.profileFolder !== null) {
      await mkdir(options.profileFolder, { recursive: true });
    }
    const report = await runBench(options, (line) => console.error(line));
    console.log(`\n${renderText(report.facts, report.results)}`);
    if (args.json !== undefined) {
      await Bun.write(args.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    if (report.failures.length > 0) {
      console.error(`Not measured:\n${report.failures.join("\n")}`);
    }
    // What a measurement that broke off left open must not keep this process.
    process.exit(report.failures.length > 0 ? 1 : 0);
  },
});

function namesOf(names: readonly string[]): string[] {
  try {
    return selectMeasures(names);
  } catch (error) {
    console.error(`sluice bench: ${reasonOf(error)}`);
    process.exit(2);
  }
}

function numberOf(option: string, text: string, min: number, max: number, whole: boolean): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= min && value <= max) || (whole && value % 1 !== 0)) {
    const kind = whole ? "a whole number" : "a number";
    console.error(`sluice bench: ${option} takes ${kind} from ${min} to ${max}, not '${text}'.`);
    process.exit(2);
  }
  return value;
}

endOnCrash("sluice bench");
await runMain(bench, { rawArgs: process.argv.slice(3) });
