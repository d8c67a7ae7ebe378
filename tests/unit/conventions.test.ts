import { expect, test } from "bun:test";
import { dirname, join, relative, resolve } from "node:path";

/** What no linter sees: the rules of this repository about its own files. */
const ROOT = join(import.meta.dir, "..", "..");
const ENTRY_LINES_MAX = 60;

const SRC_BELOW_OPERATOR = [
  "src/audit",
  "src/node",
  "src/orders",
  "src/ledger",
  "src/sale",
  "src/process",
] as const;
const SRC = ["src/operator", ...SRC_BELOW_OPERATOR] as const;

/**
 * Imports point one way: a room may import itself and what stands here beside it. No room stands
 * beside one that is above it, so there is no circle; see ARCHITECTURE.md.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  redis: [],
  "src/process": [],
  "src/sale": [],
  "src/ledger": ["redis", "src/sale", "src/process"],
  "src/node": ["src/ledger", "src/sale", "src/process"],
  "src/orders": ["src/ledger", "src/sale", "src/process"],
  "src/audit": ["src/orders", "src/ledger", "src/sale", "src/process"],
  "src/operator": SRC_BELOW_OPERATOR,
  "dev/host": SRC,
  "dev/build": ["dev/host", ...SRC],
  "dev/test": ["dev/host", ...SRC],
  "dev/stack": ["dev/host", ...SRC],
  "dev/load": ["dev/host", "dev/stack", ...SRC],
  "dev/report": ["dev/host", "dev/stack", "dev/load", ...SRC],
  "dev/demo": ["dev/host", "dev/stack", "dev/load", "dev/report", ...SRC],
  "dev/lab": ["dev/host", ...SRC],
  "dev/box": ["dev/host", ...SRC],
  "dev/vagrant": ["dev/host", "dev/box", ...SRC],
};
const BELOW_COMMANDS = Object.keys(MAY_IMPORT);

/** Rooms that may import all of what is below: what is called first by whoever types a command. */
const TOP: Readonly<Record<string, readonly string[]>> = {
  "dev/commands": BELOW_COMMANDS,
  dev: [...BELOW_COMMANDS, "dev/commands"],
  bench: BELOW_COMMANDS,
  tests: [...BELOW_COMMANDS, "dev/commands", "bench"],
};

/** A room is a folder below src and dev; bench, tests, redis and the entry dev/main.ts are one each. */
function roomOf(path: string): string {
  const [top = "", folder = "", ...rest] = path.split("/");
  return (top === "src" || top === "dev") && rest.length > 0 ? `${top}/${folder}` : top;
}

function importsOf({ path, text }: { path: string; text: string }): string[] {
  return [...text.matchAll(/(?:from |import |import\()"(\.{1,2}\/[^"]+)"/g)].map(
    ([, imported = ""]) => relative(ROOT, resolve(ROOT, dirname(path), imported)),
  );
}

const sources = await Promise.all(
  [...new Bun.Glob("{src,dev,tests,bench}/**/*.ts").scanSync(ROOT)]
    .sort()
    .map(async (path) => ({ path, text: await Bun.file(join(ROOT, path)).text() })),
);
/** What follows the rules of programs; a test may read its environment, say. */
const product = sources.filter(({ path }) => /^(src|dev)\//.test(path));

test("files are named in kebab-case, after what they are about", () => {
  const names = /^([a-z0-9-]+\/)*[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/;
  const vague = /(^|\/)(index|utils?|helpers?|common|misc)(\/|\.ts$)/;
  const misnamed = sources.filter(({ path }) => !names.test(path) || vague.test(path));
  expect(misnamed.map(({ path }) => path)).toEqual([]);
});

test("every room imports only what lies below it", () => {
  const rules = { ...MAY_IMPORT, ...TOP };
  const upward = sources.flatMap((source) => {
    const room = roomOf(source.path);
    return importsOf(source)
      .filter((path) => roomOf(path) !== room && !rules[room]?.includes(roomOf(path)))
      .map((path) => `${source.path} imports ${path}`);
  });
  expect(upward).toEqual([]);
});

test("the rules themselves have no circle", () => {
  const rules: Readonly<Record<string, readonly string[]>> = { ...MAY_IMPORT, ...TOP };
  const reach = (room: string, seen: ReadonlySet<string>): ReadonlySet<string> =>
    (rules[room] ?? []).reduce(
      (all, below) => (all.has(below) ? all : reach(below, new Set([...all, below]))),
      seen,
    );
  const circles = Object.keys(rules).filter((room) => reach(room, new Set()).has(room));
  expect(circles).toEqual([]);
});

test("what is installed on hosts reaches no file of a checkout", () => {
  const texts = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set(["src/operator/main.ts", "src/node/main.ts", "src/orders/main.ts"]);
  for (const path of reached) {
    const source = texts.get(path);
    for (const imported of source === undefined ? [] : importsOf(source)) {
      reached.add(imported);
    }
  }
  expect(reached.size).toBeGreaterThan(60);
  expect([...reached].filter((path) => !/^(src|redis)\//.test(path))).toEqual([]);
  const rooted = [...reached].filter((path) =>
    /import\.meta\.(dir|path|url)/.test(texts.get(path)?.text ?? ""),
  );
  expect(rooted).toEqual([]);
});

test("only config.ts and environment.ts read the environment; an entry point may hand it the whole", () => {
  const readers = product.filter(({ path, text }) => {
    const reading = path.endsWith("/main.ts")
      ? /\b(process|Bun)\.env[.[]/
      : /\b(process|Bun)\.env\b/;
    return !/\/(config|environment)\.ts$/.test(path) && reading.test(text);
  });
  expect(readers.map(({ path }) => path)).toEqual([]);
});

test("a connection to Redis is made in one place", () => {
  const makers = product.filter(({ text }) => /\bnew (Redis|IORedis|Cluster)\(/.test(text));
  expect(makers.map(({ path }) => path)).toEqual(["src/ledger/connect.ts"]);
});

test("a script is sent in one place", () => {
  const senders = product.filter(({ text }) => /\.(evalsha|eval|evalRo|evalsha_ro)\(/.test(text));
  expect(senders.map(({ path }) => path)).toEqual(["src/ledger/call-script.ts"]);
});

test("an entry point does nothing but put the parts together", () => {
  const long = product.filter(
    ({ path, text }) => path.endsWith("/main.ts") && text.split("\n").length > ENTRY_LINES_MAX + 1,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
});
