import { join } from "node:path";

import { type CachedBuild, nameBuilt, provideBuilt } from "../host/cached-build.ts";
import { ROOT } from "../host/checkout.ts";
import { type Places } from "./config.ts";

function imageBuild(places: Places): CachedBuild {
  return {
    script: join(ROOT, "lab", "image", "build"),
    cacheDir: places.cacheDir,
    what: "the image that hosts boot from",
    duration: "five to fifteen minutes",
  };
}

/** The directory of the image that this checkout would boot hosts from, built or not. */
export async function nameImage(places: Places): Promise<string> {
  return nameBuilt(imageBuild(places));
}

/** The directory of the image, which is built if it is not there. Throws `CommandError` with its log's end. */
export async function provideImage(places: Places, say: (line: string) => void): Promise<string> {
  return provideBuilt(imageBuild(places), say);
}
