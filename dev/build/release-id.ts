import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { listSources } from "./sources.ts";

/** The programs that are deployed, each one file, and the entry that it is built from. */
export const programs = {
  "ticket-node": "src/node/main.ts",
  "order-worker": "src/orders/main.ts",
  sluice: "src/operator/main.ts",
} as const;

/** What else decides what comes out: the packages, and how they are compiled. */
const alsoRead = ["package.json", "bun.lock", "tsconfig.json", "dev/build/build.ts"];
const digitsShown = 12;
const labelPattern = /^[a-z0-9][a-z0-9._]{0,31}$/;

/**
 * Names a release after what it is built from: the same sources, packages and Bun give the same
 * name on any machine. A label is put before it (and into the binaries): the same sources under
 * another label are another release. Throws `CommandError` for a label that is no file name.
 */
export async function nameRelease(root: string, label: string | undefined): Promise<string> {
  if (label !== undefined && !labelPattern.test(label)) {
    throw new CommandError(
      `--label takes 1 to 32 of a-z 0-9 . _, beginning with a letter or digit, not '${label}'`,
    );
  }
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(`bun ${Bun.version} ${process.platform} ${process.arch}\n`);
  for (const path of [...(await listSources(root, Object.values(programs))), ...alsoRead]) {
    const text = await Bun.file(join(root, path)).bytes();
    hasher.update(`${path} ${text.length}\n`);
    hasher.update(text);
  }
  const digest = hasher.digest("hex").slice(0, digitsShown);
  return label === undefined ? digest : `${label}-${digest}`;
}
