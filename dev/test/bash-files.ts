import { join } from "node:path";

const IGNORED = /(^|\/)(node_modules|\.git|\.sluice)\//;
const SUFFIX = /\.(sh|bash|bats)$/;
const SHEBANG = /^#!.*\b(ba)?sh\b/;
/** A path whose last part has no dot may be a program; only its first bytes show it. */
const EXTENSIONLESS = /(^|\/)[^./]+$/;
const SHEBANG_LENGTH_MAX = 64;

/** Every bash file below a directory, by its suffix or its first line, sorted. */
export async function findBashFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of new Bun.Glob("**/*").scan({ cwd: root, dot: true, onlyFiles: true })) {
    if (!IGNORED.test(path) && (SUFFIX.test(path) || (await isBashProgram(root, path)))) {
      found.push(path);
    }
  }
  return found.sort();
}

async function isBashProgram(root: string, path: string): Promise<boolean> {
  if (!EXTENSIONLESS.test(path)) {
    return false;
  }
  const start = await Bun.file(join(root, path)).slice(0, SHEBANG_LENGTH_MAX).text();
  return SHEBANG.test(start.split("\n")[0] ?? "");
}
