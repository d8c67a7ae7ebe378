import { cpus } from "node:os";

import { reasonOf } from "../src/process/errors.ts";
import { inheritedSettings } from "./config.ts";
import type { Bench, BenchOptions } from "./measure.ts";
import { measures } from "./measures.ts";
import type { RunFacts } from "./render.ts";
import type { Result } from "./result.ts";
import { Workshop } from "./workshop.ts";

export interface RunOptions extends BenchOptions {
  /** Which measurements, by name. */
  readonly names: readonly string[];
  /** The first of a hundred ports that may be used. */
  readonly firstPort: number;
}

export interface RunReport {
  readonly facts: RunFacts;
  readonly results: readonly Result[];
  /** Measurements that broke off, with the reason. */
  readonly failures: readonly string[];
}

/** 128 + the number of the signal, as shells count it. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Runs the chosen measurements, each in a workshop of its own. One that fails stops no other. */
export async function runBench(
  options: RunOptions,
  print: (line: string) => void,
): Promise<RunReport> {
  const results: Result[] = [];
  const failures: string[] = [];
  const facts = factsOf(options);
  for (const name of options.names) {
    const workshop = await Workshop.open(options.firstPort);
    const signal = closeOnSignal(workshop);
    try {
      results.push(...(await runOne(name, { workshop, options, print })));
    } catch (error) {
      // What a signal broke off has not failed.
      await signal.ending;
      const reason = reasonOf(error);
      failures.push(`${name}: ${reason}`);
      print(`${name} failed: ${reason}`);
    } finally {
      await workshop.close();
      signal.release();
    }
  }
  return { facts, results, failures };
}

async function runOne(name: string, bench: Bench): Promise<readonly Result[]> {
  const load = measures[name];
  if (load === undefined) {
    throw new Error(`there is no benchmark "${name}"`);
  }
  return (await load())(bench);
}

function factsOf({ rounds, connections }: BenchOptions): RunFacts {
  const processors = cpus();
  return {
    startedAt: new Date().toISOString(),
    machine: `${processors.length} cores (${processors[0]?.model.trim() ?? "unknown"})`,
    bun: Bun.version,
    rounds,
    connections,
    settings: inheritedSettings(),
  };
}

interface SignalWatch {
  /** Set by a signal; it ends with this process and so is never kept. */
  ending: Promise<never> | null;
  release: () => void;
}

/** A signal ends everything that was started, then this process. */
function closeOnSignal(workshop: Workshop): SignalWatch {
  const watch: SignalWatch = { ending: null, release: () => undefined };
  const handlers = Object.entries(exitCodes).map(([signal, exitCode]) => {
    const handler = () => {
      watch.ending ??= workshop.abandon().then(() => process.exit(exitCode));
    };
    // Not once: timeout(1) sends its signal twice, and the second must not end what clears away.
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  watch.release = () => handlers.forEach((remove) => remove());
  return watch;
}
