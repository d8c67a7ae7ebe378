import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { nodeVariables } from "../../src/node/config.ts";
import { workerVariables } from "../../src/orders/config.ts";

const text = readFileSync(join(import.meta.dir, "../../docs/configuration.md"), "utf8");

/** The variables that a section's table has a row for. */
function rowsOf(section: string): string[] {
  const [, rest = ""] = text.split(`\n## ${section}\n`);
  const [own = ""] = rest.split("\n## ");
  return [...own.matchAll(/^\| `(SLUICE_[A-Z_]+)`/gm)].map(([, name = ""]) => name);
}

test.each([
  ["A ticket node", nodeVariables],
  ["An order worker", workerVariables],
])("%s: every variable is explained, and none that there is not", (section, variables) => {
  const explained = [...rowsOf("Both"), ...rowsOf(section)];
  expect(explained.toSorted()).toEqual([...variables].toSorted());
});
