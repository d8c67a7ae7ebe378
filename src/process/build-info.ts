import { Gauge, type Registry } from "prom-client";

import { release } from "./release.ts";

/** `sluice_build_info`: which release this process is, so that a roll-out can be watched. */
export function addBuildInfo(registry: Registry): void {
  new Gauge({
    name: "sluice_build_info",
    help: "1, with the release that this process was built as and the Bun in it.",
    labelNames: ["release", "bun"],
    registers: [registry],
  }).set({ release, bun: Bun.version }, 1);
}
