import { expect, test } from "bun:test";
import { join } from "node:path";

/** What no linter sees: the rules of this repository about its own files. */
const ROOT = join(import.meta.dir, "..", "..");
const ENTRY_LINES_MAX = 60;

/** Imports point one way: a layer may import itself and what stands here beside it. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  sale: [],
  process: [],
  ledger: ["sale"],
  node: ["ledger", "sale", "process"],
  orders: ["ledger", "sale", "process"],
  cli: ["node", "orders", "ledger", "sale", "process"],
};

const sources = await Promise.all(
  [...new Bun.Glob("{src,tests,bench}/**/*.ts").scanSync(ROOT)]
    .sort()
    .map(async (path) => ({ path, text: await Bun.file(join(ROOT, path)).text() })),
);
const product = sources.filter(({ path }) => path.startsWith("src/"));

test("files are named in kebab-case, after what they are about", () => {
  const names = /^([a-z0-9-]+\/)*[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/;
  const vague = /(^|\/)(index|utils?|helpers?|common|misc)(\/|\.ts$)/;
  const misnamed = sources.filter(({ path }) => !names.test(path) || vague.test(path));
  expect(misnamed.map(({ path }) => path)).toEqual([]);
});

test("a layer imports only what lies below it", () => {
  const upward = product.flatMap(({ path, text }) => {
    const [, layer = ""] = path.split("/");
    return [...text.matchAll(/from "(?:\.\.\/)+(sale|process|ledger|node|orders|cli)\//g)]
      .map(([, imported = ""]) => imported)
      .filter((imported) => imported !== layer && !MAY_IMPORT[layer]?.includes(imported))
      .map((imported) => `${path} imports ${imported}`);
  });
  expect(upward).toEqual([]);
});

test("only config.ts reads the environment; an entry point may hand it the whole", () => {
  const readers = product.filter(({ path, text }) => {
    const reading = path.endsWith("/main.ts")
      ? /\b(process|Bun)\.env[.[]/
      : /\b(process|Bun)\.env\b/;
    return !path.endsWith("config.ts") && reading.test(text);
  });
  expect(readers.map(({ path }) => path)).toEqual([]);
});

test("an entry point does nothing but put the parts together", () => {
  const long = product.filter(
    ({ path, text }) => path.endsWith("/main.ts") && text.split("\n").length > ENTRY_LINES_MAX + 1,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
});
