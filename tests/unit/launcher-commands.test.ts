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

test("the README groups the commands as the launcher does", async () => {
  const readme = await Bun.file(join(ROOT, "README.md")).text();
  const [, rows = ""] = /\n\| group +\| command .*\n\|[-| ]+\|\n((?:\|.*\n)+)/.exec(readme) ?? [];
  const explained: Record<string, string[]> = {};
  let group = "";
  for (const row of rows.trimEnd().split("\n")) {
    const [, first = "", commands = ""] = row.split("|").map((cell) => cell.trim());
    group = first === "" ? group : first;
    const names = [...commands.matchAll(/`([a-z-]+)/g)].map(([, name = ""]) => name);
    (explained[group] ??= []).push(...names);
  }
  const printed: Record<string, string[]> = {};
  for (const block of launcher.split("\n\n")) {
    const [head = "", ...lines] = block.split("\n");
    if (/^[a-z]+$/.test(head)) {
      printed[head] = lines.map((line) => line.trim().split(" ")[0] ?? "").toSorted();
    }
  }
  for (const names of Object.values(explained)) {
    names.sort();
  }
  expect(Object.keys(printed)).toHaveLength(4);
  expect(explained).toEqual(printed);
});
