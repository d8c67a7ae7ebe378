import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { listProcesses, removeNamespaces } from "../host/namespace.ts";
import { killAll } from "../host/process-table.ts";
import type { Places } from "./config.ts";
import { cutPower } from "./guest.ts";

/**
 * Ends everything that an instance has, in whatever state it is: guests, whatever else runs in its
 * namespaces, the namespaces, sockets; and, unless `keepDisks`, all that is kept of it.
 */
export async function tearDown(
  places: Places,
  { keepDisks }: { readonly keepDisks: boolean },
): Promise<void> {
  for (const host of listRecorded(places)) {
    await cutPower(places, host);
  }
  // A guest whose record was never written, tests, connections: whatever is in there goes, too.
  for (const namespace of [places.namespace, places.crowdNamespace]) {
    await killAll(() => listProcesses(namespace));
  }
  await removeNamespaces([places.crowdNamespace, places.namespace]);
  rmSync(places.runDir, { recursive: true, force: true });
  if (!keepDisks) {
    rmSync(places.stateDir, { recursive: true, force: true });
  }
}

/** Whether there is anything that `down` would have to end. */
export function existsInstance(places: Places): boolean {
  return [
    places.stateDir,
    places.runDir,
    join("/run/netns", places.namespace),
    join("/run/netns", places.crowdNamespace),
  ].some((path) => existsSync(path));
}

function listRecorded(places: Places): string[] {
  if (!existsSync(places.stateDir)) {
    return [];
  }
  return readdirSync(places.stateDir)
    .filter((file) => file.endsWith(".json") && file !== "lab.json")
    .map((file) => file.slice(0, -".json".length));
}
