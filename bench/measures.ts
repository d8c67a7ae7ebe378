import type { Measure } from "./measure.ts";

/** The measurements by name, in the order in which they run. Loaded when they are called for. */
export const measures: Readonly<Record<string, () => Promise<Measure>>> = {
  sold: () => import("./measures/sold.ts").then((module) => module.measureSold),
  soldOut: () => import("./measures/sold-out.ts").then((module) => module.measureSoldOut),
};

/** Names from `a,b`; all of them for "all". Throws with the names there are. */
export function selectMeasures(only: string): string[] {
  const known = Object.keys(measures);
  if (only === "all") {
    return known;
  }
  const wanted = only.split(",").map((name) => name.trim());
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`there is no benchmark "${unknown[0]}"; there are: ${known.join(", ")}`);
  }
  return known.filter((name) => wanted.includes(name));
}
