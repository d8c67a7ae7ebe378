import type { FigureResult, TableColumn, TableResult, TableRow } from "../result.ts";
import { spreadOf } from "../statistics.ts";
import { targets } from "../targets.ts";
import { everyday, pathName, paths } from "./plan.ts";

/** One slice of a path, and of the bare handler right before or after it. */
export interface CostReading {
  /** As `pathName` gives it. */
  readonly path: string;
  readonly connections: number;
  /** Processor time of a ticket by process, microseconds. */
  readonly cpuMicros: Readonly<Record<string, number>>;
  readonly perSecond: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly bare: { readonly cpuMicros: number; readonly perSecond: number };
}

const columns: readonly TableColumn[] = [
  { key: "node", title: "node", range: false },
  { key: "redis", title: "Redis", range: false },
  { key: "worker", title: "worker", range: false },
  { key: "postgres", title: "PostgreSQL", range: false },
  { key: "sum", title: "sum", range: true },
  { key: "bareHandlers", title: "bare handlers", range: true },
  { key: "perSecond", title: "a second", range: false },
  { key: "fileBytes", title: "file bytes", range: false },
  { key: "memoryBytes", title: "memory bytes", range: false },
];

/** What a ticket costs, a row for each path and number of connections. */
export function costTable(readings: readonly CostReading[], notes: readonly string[]): TableResult {
  const connections = [...new Set(readings.map((reading) => reading.connections))];
  return {
    kind: "table",
    id: "costs",
    what: "processor time of a sold ticket with everything running, microseconds (medians)",
    of: "connections, path",
    columns,
    rows: connections.sort((a, b) => a - b).flatMap((count) => rowsOf(readings, count)),
    notes,
  };
}

function rowsOf(all: readonly CostReading[], connections: number): TableRow[] {
  const readings = all.filter((reading) => reading.connections === connections);
  const measured = new Set(readings.map(({ path }) => path));
  const bare = {
    name: `${connections}, bare handler`,
    cells: {
      sum: spreadOf(readings.map((reading) => reading.bare.cpuMicros)),
      perSecond: spreadOf(readings.map((reading) => reading.bare.perSecond)),
    },
  };
  return [
    bare,
    ...paths
      .map(pathName)
      .filter((path) => measured.has(path))
      .map((path) => ({
        name: `${connections}, ${path}`,
        cells: cellsOf(readings.filter((reading) => reading.path === path)),
      })),
  ];
}

function cellsOf(readings: readonly CostReading[]): TableRow["cells"] {
  const cells = Object.keys(readings[0]?.cpuMicros ?? {}).map((process) => [
    process,
    spreadOf(readings.map((reading) => reading.cpuMicros[process] ?? Number.NaN)),
  ]);
  return {
    ...(Object.fromEntries(cells) as TableRow["cells"]),
    sum: spreadOf(readings.map(sumOf)),
    bareHandlers: spreadOf(readings.map((reading) => sumOf(reading) / reading.bare.cpuMicros)),
    perSecond: spreadOf(readings.map(({ perSecond }) => perSecond)),
    fileBytes: spreadOf(readings.map(({ fileBytes }) => fileBytes)),
    memoryBytes: spreadOf(readings.map(({ memoryBytes }) => memoryBytes)),
  };
}

function sumOf({ cpuMicros }: CostReading): number {
  return Object.values(cpuMicros).reduce((sum, micros) => sum + micros, 0);
}

/** The everyday case against the aims: processor time in bare handlers, and bytes. */
export function everydayFigures(all: readonly CostReading[]): FigureResult[] {
  const readings = all.filter(
    ({ path, connections }) => path === everyday.name && connections === everyday.connections,
  );
  const figure = (
    id: string,
    what: string,
    unit: string,
    atMost: number,
    of: (reading: CostReading) => number,
  ): FigureResult => ({
    kind: "figure",
    id,
    what: `a ticket at ${everyday.connections} connections (${everyday.name}): ${what}`,
    unit,
    atMost,
    figure: spreadOf(readings.map(of)),
    notes: [],
  });
  const inBare = (name: string) => (reading: CostReading) =>
    (reading.cpuMicros[name] ?? Number.NaN) / reading.bare.cpuMicros;
  const bare = "bare handlers";
  return [
    figure(
      "cost",
      "all processes",
      bare,
      targets.costMax,
      (reading) => sumOf(reading) / reading.bare.cpuMicros,
    ),
    figure("costNode", "node", bare, targets.costNodeMax, inBare("node")),
    figure("costRedis", "Redis", bare, targets.costRedisMax, inBare("redis")),
    figure("costWorker", "worker", bare, targets.costWorkerMax, inBare("worker")),
    figure("costFile", "append-only file", "bytes", targets.fileBytesMax, (r) => r.fileBytes),
    figure("costMemory", "memory of Redis", "bytes", targets.memoryBytesMax, (r) => r.memoryBytes),
  ];
}
