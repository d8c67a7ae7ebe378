import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { readEnvironment } from "./environment.ts";
import { type ReportLine } from "./report-line.ts";
import { runTool } from "./tool.ts";

const LOG_TAIL_LINES = 15;

/** Something that a script makes in a cache, under a name that it knows beforehand. */
export interface CachedBuild {
  /** `SCRIPT CACHE` makes it, `SCRIPT --name CACHE` prints the path that it has, or would have. */
  readonly script: string;
  readonly cacheDir: string;
  /** What it is, and how long it takes, for people. */
  readonly what: string;
  readonly duration: string;
}

/** The path of what this checkout would make, made or not. */
export async function nameBuilt({ script, cacheDir }: CachedBuild): Promise<string> {
  return (await runTool([script, "--name", cacheDir])).trim();
}

/** The path of it; it is made if it is not there. Throws `CommandError` with its log's end. */
export async function provideBuilt(build: CachedBuild, report: ReportLine): Promise<string> {
  const { script, cacheDir, what, duration } = build;
  const path = await nameBuilt(build);
  if (existsSync(path)) {
    return path;
  }
  mkdirSync(cacheDir, { recursive: true });
  const logPath = join(cacheDir, "build.log");
  report(`Building ${what}: ${duration}, once. Log: ${logPath}`);
  const log = openSync(logPath, "w", 0o644);
  const beganMs = performance.now();
  const child = Bun.spawn([script, cacheDir], {
    stdin: "ignore",
    stdout: log,
    stderr: log,
    env: readEnvironment(),
  });
  if ((await child.exited) !== 0 || !existsSync(path)) {
    const tail = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES);
    throw new CommandError(
      `building ${what} failed. The end of ${logPath}:\n${tail.map((line) => `  ${line}`).join("\n")}`,
    );
  }
  report(`Built ${what} (${Math.round((performance.now() - beganMs) / 1_000)} s).`);
  return path;
}
