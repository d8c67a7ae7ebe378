import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type Places, readEnvironment, ROOT } from "./config.ts";
import { LabError } from "./lab-error.ts";
import { runTool } from "./tool.ts";

const BUILD = join(ROOT, "lab", "image", "build");
const LOG_TAIL_LINES = 15;

/** The directory of the image that this checkout would boot hosts from, built or not. */
export async function nameImage(places: Places): Promise<string> {
  return (await runTool([BUILD, "--name", places.cacheDir])).trim();
}

/** The directory of the image, which is built if it is not there. Throws `LabError` with its log's end. */
export async function provideImage(places: Places, say: (line: string) => void): Promise<string> {
  const image = await nameImage(places);
  if (existsSync(image)) {
    return image;
  }
  mkdirSync(places.cacheDir, { recursive: true });
  const logPath = join(places.cacheDir, "build.log");
  say(`Building the image that hosts boot from: five to fifteen minutes, once. Log: ${logPath}`);
  const log = openSync(logPath, "w", 0o644);
  const beganMs = performance.now();
  const child = Bun.spawn([BUILD, places.cacheDir], {
    stdin: "ignore",
    stdout: log,
    stderr: log,
    env: readEnvironment(),
  });
  if ((await child.exited) !== 0 || !existsSync(image)) {
    const tail = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES);
    throw new LabError(
      `building the image failed. The end of ${logPath}:\n${tail.map((line) => `  ${line}`).join("\n")}`,
    );
  }
  say(`The image is built (${Math.round((performance.now() - beganMs) / 1_000)} s).`);
  return image;
}
