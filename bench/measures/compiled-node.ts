import { statSync } from "node:fs";
import { join } from "node:path";

import type { Workshop } from "../workshop.ts";

const root = join(import.meta.dir, "..", "..");

export const nodeEntry = join(root, "src", "node", "main.ts");

/** Builds the ticket node into one file, as it is deployed. */
export async function buildNode(
  workshop: Workshop,
): Promise<{ binary: string; megabytes: number }> {
  const binary = join(workshop.folder, "ticket-node");
  const options = "--compile --format=esm --minify --sourcemap --bytecode";
  // A node must not pick up configuration from the folder that it is started in.
  const sealed = "--no-compile-autoload-dotenv --no-compile-autoload-bunfig";
  await workshop.run(
    {
      name: "build",
      command: [
        process.execPath,
        "build",
        ...options.split(" "),
        ...sealed.split(" "),
        nodeEntry,
        "--outfile",
        binary,
      ],
      cwd: root,
    },
    60_000,
  );
  return { binary, megabytes: Math.round(statSync(binary).size / 1e6) };
}
