import { join } from "node:path";

import { type CachedBuild, nameBuilt, provideBuilt } from "../host/cached-build.ts";
import { ROOT } from "../host/checkout.ts";
import { type ReportLine } from "../host/report-line.ts";
import { type LabPaths } from "./config.ts";

function imageBuild(paths: LabPaths): CachedBuild {
  return {
    script: join(ROOT, "lab", "image", "build"),
    cacheDir: paths.cacheDir,
    what: "the image that hosts boot from",
    duration: "five to fifteen minutes",
  };
}

/** The directory of the image that this checkout would boot hosts from, built or not. */
export async function nameImage(paths: LabPaths): Promise<string> {
  return nameBuilt(imageBuild(paths));
}

/** The directory of the image, which is built if it is not there. Throws `CommandError` with its log's end. */
export async function provideImage(paths: LabPaths, report: ReportLine): Promise<string> {
  return provideBuilt(imageBuild(paths), report);
}
