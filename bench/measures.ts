import type { Measure } from "./measure.ts";

/** The measurements by name, in the order in which they run. Loaded when they are called for. */
export const measures: Readonly<Record<string, () => Promise<Measure>>> = {
  cost: () => import("./measures/cost.ts").then((module) => module.measureCost),
  primary: () => import("./measures/primary.ts").then((module) => module.measurePrimary),
  soldOut: () => import("./measures/sold-out.ts").then((module) => module.measureSoldOut),
  soldOutKeyed: () =>
    import("./measures/sold-out-keyed.ts").then((module) => module.measureSoldOutKeyed),
  edge: () => import("./measures/edge.ts").then((module) => module.measureEdge),
  upstream: () => import("./measures/upstream.ts").then((module) => module.measureUpstream),
  memory: () => import("./measures/memory.ts").then((module) => module.measureMemory),
  coldStart: () => import("./measures/cold-start.ts").then((module) => module.measureColdStart),
  sellOut: () => import("./measures/sell-out.ts").then((module) => module.measureSellOut),
  orders: () => import("./measures/orders.ts").then((module) => module.measureOrders),
  pipelineLag: () =>
    import("./measures/pipeline-lag.ts").then((module) => module.measurePipelineLag),
  lapseToSale: () =>
    import("./measures/lapse-to-sale.ts").then((module) => module.measureLapseToSale),
  baseline: () => import("./measures/baseline.ts").then((module) => module.measureBaseline),
};

/** The named ones in their own order; all of them for none. Throws with the names there are. */
export function selectMeasures(wanted: readonly string[]): string[] {
  const known = Object.keys(measures);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`there is no benchmark "${unknown[0]}"; there are: ${known.join(", ")}`);
  }
  return wanted.length === 0 ? known : known.filter((name) => wanted.includes(name));
}
