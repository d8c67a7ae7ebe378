import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const ROOT = join(import.meta.dir, "../..");

interface Document {
  readonly path: string;
  /** Without blocks of code, whose characters mean nothing. */
  readonly prose: string;
  readonly whole: string;
}

const documents = [...new Bun.Glob("**/*.md").scanSync({ cwd: ROOT, onlyFiles: true })]
  .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path))
  .sort()
  .map(read);
const anchorsOf = new Map(documents.map((document) => [document.path, listAnchors(document)]));

function read(path: string): Document {
  const whole = readFileSync(join(ROOT, path), "utf8");
  return { path, whole, prose: whole.replace(/^```.*?^```/gms, "") };
}

/** The names that GitHub gives to headings. */
function listAnchors({ prose }: Document): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const names = [...prose.matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = ""]) => {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim();
    const name = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const earlier = seen.get(name) ?? 0;
    seen.set(name, earlier + 1);
    return earlier === 0 ? name : `${name}-${earlier}`;
  });
  return new Set(names);
}

/** What is wrong with a link; null if nothing is. */
function faultOfLink(from: string, link: string): string | null {
  const [target = "", anchor] = link.split("#");
  const path = target === "" ? from : normalize(join(dirname(from), decodeURI(target)));
  if (path.startsWith("..") || !existsSync(join(ROOT, path))) {
    return `${from}: ${link} leads nowhere`;
  }
  const anchors = anchorsOf.get(path);
  return anchor === undefined || anchors === undefined || anchors.has(anchor)
    ? null
    : `${from}: ${path} has no heading for #${anchor}`;
}

/** Paths of ours that are named in a text; some are patterns, and NAME stands for any name. */
function pathsIn(text: string): string[] {
  const named =
    /(?<![\w./-])(?:src|dev|bench|setup|tests|lab|redis|nginx|lvs|docs)\/[\w.@*{}/-]*[\w*]/g;
  // The targets of links go from the document's own folder, and are followed by another test.
  const plain = text.replace(/\]\([^)]*\)/g, "]");
  return [...plain.matchAll(named)].map(([path]) => path.replace(/\bNAME\b/, "*"));
}

function exists(path: string): boolean {
  if (!/[*{}]/.test(path)) {
    return existsSync(join(ROOT, path));
  }
  return [...new Bun.Glob(path).scanSync({ cwd: ROOT, onlyFiles: false })].length > 0;
}

test("there are documents, and anchors are named as on GitHub", () => {
  expect(documents.length).toBeGreaterThan(8);
  expect(anchorsOf.get("docs/night-shift.md")).toContain("backup-and-restore");
  const example = { path: "x.md", whole: "", prose: "# A `b-c`: d, e\n## [F](g.md) h?\n# F h\n" };
  expect([...listAnchors(example)]).toEqual(["a-b-c-d-e", "f-h", "f-h-1"]);
});

describe.each(documents.map((document) => [document.path, document] as const))(
  "%s",
  (path, { prose, whole }) => {
    test("has no link that leads nowhere", () => {
      const links = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = ""]) => link);
      const relative = links.filter((link) => !/^[a-z]+:/.test(link));
      expect(relative.map((link) => faultOfLink(path, link)).filter(Boolean)).toEqual([]);
    });

    test("names no file of this repository that is not there", () => {
      expect(pathsIn(whole).filter((named) => !exists(named))).toEqual([]);
    });
  },
);

test("a link and a path that lead nowhere are found", () => {
  expect(faultOfLink("docs/api.md", "../README.md#http")).toBe(null);
  expect(faultOfLink("docs/api.md", "../README.md#nothing")).toContain("no heading for #nothing");
  expect(faultOfLink("docs/api.md", "nothing.md")).toContain("leads nowhere");
  expect(pathsIn("see `src/cli/lab/`, src/sale/order.ts.").map(exists)).toEqual([false, true]);
});
