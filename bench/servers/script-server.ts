import { join } from "node:path";

import type { Process, Workshop } from "../workshop.ts";

export interface ScriptServer {
  readonly process: Process;
  readonly pid: number;
  readonly url: string;
}

/** Starts a server of this folder (or of another, by a path from here) on a port of its own. */
export async function startScript(
  workshop: Workshop,
  file: string,
  ...args: string[]
): Promise<ScriptServer> {
  const port = workshop.port();
  const child = workshop.start({
    name: `${file.replaceAll(/[^a-z-]+/g, "-")}-${port}`,
    command: [process.execPath, join(import.meta.dir, file), String(port), ...args],
  });
  const url = `http://127.0.0.1:${port}`;
  await workshop.untilReady(child, async () => (await fetch(url)).status > 0);
  return { process: child, pid: child.pid, url };
}
