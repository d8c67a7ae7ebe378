import { expect, test } from "bun:test";
import { basename, join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");
const CLI = join(ROOT, "src", "cli");

interface Described {
  readonly default: { readonly meta: { readonly name: string; readonly description: string } };
}

const files = [...new Bun.Glob("*.ts").scanSync(join(CLI, "commands"))]
  .map((file) => basename(file, ".ts"))
  .sort();

test("the launcher and the CLI know the same commands", async () => {
  const main = await Bun.file(join(CLI, "main.ts")).text();
  const known = [...main.matchAll(/^ +"?([\w-]+)"?: \(\) => import\("\.\/commands\/\1\.ts"\)/gm)];
  expect(known.map(([, name]) => name ?? "").sort()).toEqual(files);
});

test.each(files)("the launcher's list tells what %s does", async (name) => {
  const { default: command }: Described = await import(join(CLI, "commands", `${name}.ts`));
  expect(command.meta.description).not.toBeEmpty();
  const help = Bun.spawnSync([join(ROOT, "sluice"), "--help"]).stdout.toString();
  expect(help).toContain(`  ${name.padEnd(12)} ${command.meta.description}\n`);
});
