import { loadavg } from "node:os";

import { idleResults, readIdle } from "../cost/idle.ts";
import { costNotes } from "../cost/notes.ts";
import { PathStack } from "../cost/path-stack.ts";
import {
  inTurns,
  type Path,
  pathName,
  paths,
  type Slice,
  sliceRequestsMin,
  slices,
  warmUp,
} from "../cost/plan.ts";
import { type CostReading, costTable, everydayFigures } from "../cost/summary.ts";
import { runKeyedLoad } from "../keyed-load.ts";
import { type Bench, type Measure, scaled } from "../measure.ts";
import { demandStatus } from "../oha.ts";
import { readLoad } from "../reading.ts";
import { BenchPostgres, postgresMissing } from "../servers/postgres.ts";
import { type ScriptServer, startScript } from "../servers/script-server.ts";
import { spreadOf } from "../statistics.ts";

interface Run {
  readonly bench: Bench;
  readonly bare: ScriptServer;
  readonly postgres: BenchPostgres | null;
  readonly readings: CostReading[];
  readonly othersShares: number[];
}

/**
 * What a sold ticket costs with everything running: node, Redis with an fsync before each answer,
 * worker, database. A bare handler is asked by the same load between any two slices, so that what
 * the machine can do at the moment cancels out.
 */
export const measureCost: Measure = async (bench) => {
  const { workshop, options } = bench;
  const loadBefore = loadavg();
  const postgres = await BenchPostgres.start(workshop, "cost-postgres");
  const bare = await startScript(workshop, "bare-async.ts");
  const run: Run = { bench, bare, postgres, readings: [], othersShares: [] };
  await loadBare(run, slices.at(-1)?.bareRequests ?? warmUp.requests, warmUp.connections);
  const possible = paths.filter(({ database }) => database === "SQLite" || postgres !== null);
  let redisVersion = "";
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const path of inTurns(possible, round)) {
      redisVersion = await measurePath(run, path, round);
    }
  }
  await workshop.end(bare.process);
  await postgres?.stop(workshop);
  const idle = idleResults(await readIdle(bench));
  const notes = costNotes({
    redisVersion,
    postgres: postgres === null ? postgresMissing : `PostgreSQL ${postgres.version}`,
    fileSystem: await workshop.fileSystem(),
    othersShare: spreadOf(run.othersShares),
    loads: [loadBefore, loadavg()],
    ticketsMin: Math.min(...slices.map(({ requests }) => sized(bench, requests))),
  });
  return [
    ...everydayFigures(run.readings),
    ...idle.filter(({ kind }) => kind === "figure"),
    costTable(run.readings, notes),
    ...idle.filter(({ kind }) => kind === "table"),
  ];
};

function sized(bench: Bench, requests: number): number {
  return scaled(bench, requests, sliceRequestsMin);
}

/** All slices of one path in a stack of its own. Returns the version of its Redis. */
async function measurePath(run: Run, path: Path, round: number): Promise<string> {
  const { bench } = run;
  const name = `cost-${round}-${path.variant.name}-${path.database.toLowerCase()}`;
  const postgres = path.database === "PostgreSQL" ? run.postgres : null;
  const stack = await PathStack.start(bench, name, path, postgres);
  await stack.measure(sized(bench, warmUp.requests), warmUp.connections);
  for (const slice of slices) {
    const reading = await measureSlice(run, stack, slice, round);
    run.readings.push({ ...reading, path: pathName(path) });
    const micros = Object.entries(reading.cpuMicros).map(
      ([process, used]) => `${process} ${used.toFixed(1)}`,
    );
    bench.print(
      `cost: round ${round} of ${bench.options.rounds}: ${pathName(path)}, ${slice.connections} ` +
        `connections: ${micros.join(", ")} us; bare handler ${reading.bare.cpuMicros.toFixed(1)}`,
    );
  }
  await stack.stop();
  return stack.redisVersion;
}

async function measureSlice(
  run: Run,
  stack: PathStack,
  { connections, requests, bareRequests }: Slice,
  round: number,
): Promise<Omit<CostReading, "path">> {
  const askBare = () => loadBare(run, bareRequests, connections);
  const first = round % 2 === 1 ? await askBare() : null;
  const reading = await stack.measure(sized(run.bench, requests), connections);
  const bare = first ?? (await askBare());
  run.othersShares.push(reading.othersShare, bare.othersShare);
  const { cpuMicros, perSecond, fileBytes, memoryBytes } = reading;
  return {
    connections,
    cpuMicros,
    perSecond,
    fileBytes,
    memoryBytes,
    bare: { cpuMicros: bare.cpuMicros["bare"] ?? Number.NaN, perSecond: bare.perSecond },
  };
}

/** The same load as the everyday case's, a key and a buyer in each request. */
function loadBare({ bench, bare }: Run, requests: number, connections: number) {
  return readLoad({ bare: [bare.pid] }, async () => {
    const report = await runKeyedLoad(bench.workshop, {
      url: `${bare.url}/buy/ticket`,
      requests: sized(bench, requests),
      connections,
      headers: ["key", "buyer"],
      replayEvery: 0,
    });
    demandStatus(report, 201);
    return report;
  });
}
