import { expect, test } from "bun:test";
import { basename, join } from "node:path";

import { ROOT } from "../../dev/host/checkout.ts";

const [dev, operator] = ["dev/commands", "src/operator/commands"].map((folder) =>
  [...new Bun.Glob("*.ts").scanSync(join(ROOT, folder))]
    .map((file) => basename(file, ".ts"))
    .sort(),
) as [string[], string[]];
const launcher = Bun.spawnSync([join(ROOT, "sluice"), "--help"]).stdout.toString();
/** Name and description, as the launcher lists them. */
const listed = new Map(
  [...launcher.matchAll(/^ {2}([a-z-]+) +(\S.*)$/gm)].map(([, name, text]) => [name, text]),
);

/** What the command itself prints first, when it is asked for help: `DESCRIPTION (sluice NAME)`. */
async function describe(name: string): Promise<string> {
  const entry = name === "bench" ? "bench/main.ts" : "dev/main.ts";
  const child = Bun.spawn([process.execPath, join(ROOT, entry), name, "--help"], {
    env: { ...process.env, NO_COLOR: "1" },
    stdout: "pipe",
  });
  return new Response(child.stdout).text();
}

test("the launcher and the programs know the same commands", async () => {
  const main = await Bun.file(join(ROOT, "dev/main.ts")).text();
  const known = [
    ...main.matchAll(/import\("\.{1,2}\/(?:src\/operator\/)?commands\/([\w-]+)\.ts"\)/g),
  ];
  expect(known.map(([, name]) => name ?? "").sort()).toEqual([...dev, ...operator].sort());
  expect(new Set(listed.keys())).toEqual(new Set([...dev, ...operator, "bench"]));
});

test.each([...dev, ...operator, "bench"])(
  "the launcher's list tells what %s does",
  async (name) => {
    expect(listed.get(name)).not.toBeEmpty();
    expect(await describe(name)).toContain(listed.get(name) ?? "");
  },
);
