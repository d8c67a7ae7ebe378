import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { listProcesses, removeNamespaces } from "../host/namespace.ts";
import { killAll } from "../host/process-table.ts";
import type { LabPaths } from "./config.ts";
import { cutPower } from "./guest.ts";

/**
 * Ends everything that an instance has, in whatever state it is: guests, whatever else runs in its
 * namespaces, the namespaces, sockets; and, unless `keepDisks`, all that is kept of it.
 */
export async function tearDown(
  paths: LabPaths,
  { keepDisks }: { readonly keepDisks: boolean },
): Promise<void> {
  for (const host of listRecorded(paths)) {
    await cutPower(paths, host);
  }
  // A guest whose record was never written, tests, connections: whatever is in there goes, too.
  for (const namespace of [paths.namespace, paths.crowdNamespace]) {
    await killAll(() => listProcesses(namespace));
  }
  await removeNamespaces([paths.crowdNamespace, paths.namespace]);
  rmSync(paths.runDir, { recursive: true, force: true });
  if (!keepDisks) {
    rmSync(paths.stateDir, { recursive: true, force: true });
  }
}

/** Whether there is anything that `down` would have to end. */
export function existsInstance(paths: LabPaths): boolean {
  return [
    paths.stateDir,
    paths.runDir,
    join("/run/netns", paths.namespace),
    join("/run/netns", paths.crowdNamespace),
  ].some((path) => existsSync(path));
}

function listRecorded(paths: LabPaths): string[] {
  if (!existsSync(paths.stateDir)) {
    return [];
  }
  return readdirSync(paths.stateDir)
    .filter((file) => file.endsWith(".json") && file !== "lab.json")
    .map((file) => file.slice(0, -".json".length));
}
