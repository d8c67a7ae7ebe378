import { dirname, extname, relative, resolve } from "node:path";

/** More files than a program of ours will ever be made of. */
const filesMax = 2_000;

/**
 * Every file of ours that the entries are made of: they themselves and, transitively, what they
 * import by a relative path, scripts and migrations included. Packages are known by the lock file.
 * Paths relative to `root`, sorted.
 */
export async function listSources(root: string, entries: readonly string[]): Promise<string[]> {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const found = new Set<string>();
  const open = entries.map((entry) => resolve(root, entry));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) {
      continue;
    }
    found.add(file);
    if (found.size > filesMax) {
      throw new Error(`more than ${filesMax} source files: does an import lead out of the tree?`);
    }
    if (extname(file) === ".ts") {
      for (const { path } of transpiler.scanImports(await Bun.file(file).text())) {
        if (path.startsWith(".")) {
          open.push(resolve(dirname(file), path));
        }
      }
    }
  }
  return [...found].map((file) => relative(root, file)).sort();
}
