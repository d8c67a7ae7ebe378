import { alignLeft } from "../../src/operator/formats/left-aligned.ts";
import { stackDefaults } from "./options.ts";
import type { PartStatus, StackStatus } from "./status.ts";

/** The parts as a table. */
export function formatParts(parts: readonly PartStatus[]): string {
  const rows = parts.map((part) => [
    part.name,
    part.address,
    part.weight === null ? "" : String(part.weight),
    String(part.pid),
    wordOf(part),
    part.running ? formatDuration(part.uptimeSeconds) : "",
  ]);
  return alignLeft([["part", "address", "weight", "pid", "state", "for"], ...rows]);
}

/** What is left of the default sale, in a line. */
export function formatSale(status: StackStatus): string {
  const { sale, defaultSale } = status;
  if (sale === null) {
    return `sale ${defaultSale}: there is none yet`;
  }
  return `sale ${sale.sale}: ${sale.state}, ${sale.left} of ${sale.total} tickets left`;
}

/** What one would do next with a stack that has just come up. */
export function formatNextSteps(status: StackStatus): string {
  const { defaultSale, sale, redis, url } = status;
  const elsewhere = `redis://127.0.0.1:${stackDefaults.redisPort}/0` !== redis;
  const redisOption = elsewhere ? ` --redis ${redis}` : "";
  const state = status.stateDir === stackDefaults.stateDir ? "" : ` --state ${status.stateDir}`;
  return [
    "next:",
    ...(sale === null ? [`  ./sluice sale create ${defaultSale} --total 10000${redisOption}`] : []),
    ...(sale?.state === "open" ? [] : [`  ./sluice sale open ${defaultSale}${redisOption}`]),
    `  curl -X POST ${url}/buy/ticket`,
    `  ./sluice status${state}`,
    `  ./sluice down${state}`,
  ].join("\n");
}

function wordOf(part: PartStatus): string {
  if (!part.running) {
    return "down";
  }
  return part.ready ? "ready" : "not ready";
}

function formatDuration(seconds: number): string {
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
