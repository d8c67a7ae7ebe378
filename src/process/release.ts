import { Gauge, type Registry } from "prom-client";

/** Put in by `./sluice build`; not there where a program runs from source. */
declare const SLUICE_RELEASE: string;

/** Which build this is: the release that it was built as, or "source". */
export const release: string = typeof SLUICE_RELEASE === "string" ? SLUICE_RELEASE : "source";

/** `sluice_build_info`: which release this process is, so that a roll-out can be watched. */
export function addBuildInfo(registry: Registry): void {
  new Gauge({
    name: "sluice_build_info",
    help: "1, with the release that this process was built as and the Bun in it.",
    labelNames: ["release", "bun"],
    registers: [registry],
  }).set({ release, bun: Bun.version }, 1);
}
