import { describe, expect, test } from "bun:test";
import { basename, join } from "node:path";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { expandScript, locateError } from "../../src/ledger/script.ts";
import { outboxScripts, scripts } from "../../src/ledger/scripts.ts";

const folder = join(import.meta.dir, "../../redis/scripts");

async function read(pattern: string): Promise<Map<string, string>> {
  const paths = [...new Bun.Glob(pattern).scanSync(folder)].sort();
  const texts = paths.map(
    async (path) => [basename(path), await Bun.file(join(folder, path)).text()] as const,
  );
  return new Map(await Promise.all(texts));
}

const files = await read("*.lua");
const libraries = await read("lib/*.lua");
const sent = [...Object.values(scripts), ...Object.values(outboxScripts)];

test("every script of the folder is one that the ledger calls, and the other way round", () => {
  expect(sent.map(({ name }) => `${name}.lua`).sort()).toEqual([...files.keys()]);
});

describe.each(sent.map((script) => [script.name, script] as const))("%s", (name, script) => {
  const text = files.get(`${name}.lua`) ?? "";

  test("is sent as it stands in its file, with each library in the place of its name, once", () => {
    // Expanded a second time, in the plainest way.
    let expected = text;
    for (const [library, content] of libraries) {
      expected = expected.replace(`-- include: ${library}\n`, () => content);
    }
    expect(script.source).toBe(expected);
    expect(script.source).not.toContain("-- include:");
    const included = [...text.matchAll(/^-- include: (.*)$/gm)].map(([, library]) => library);
    expect(new Set(included).size).toBe(included.length);
  });

  test("begins with what Redis looks for in the first bytes, and only there", () => {
    expect(script.source).toMatch(/^#!lua( flags=\S+)?\n/);
    expect(script.source.split("#!lua")).toHaveLength(2);
  });

  test("has the SHA-1 of what is sent", async () => {
    const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(script.source));
    expect(script.sha1).toBe(Buffer.from(digest).toString("hex"));
  });

  test("leads from each line that is sent to the line of a file", () => {
    const lines = script.source.trimEnd().split("\n");
    expect(script.origins).toHaveLength(lines.length);
    for (const [index, line] of lines.entries()) {
      const [path = "", number = ""] = script.origins[index]?.split(":") ?? [];
      const file = path.includes("/lib/") ? libraries : files;
      const found = file.get(basename(path))?.split("\n")[Number(number) - 1];
      expect(found).toBe(line);
    }
  });

  test("writes no status as a bare number", () => {
    const body = text.slice(text.indexOf("]]"));
    expect(body).not.toMatch(/(return|\{|=|and|or) -\d|status = \d/);
  });
});

test("a library that there is not, or that stands there twice, is refused with its place", () => {
  const texts = { "a.lua": "-- include: b.lua\n", "b.lua": "local b = 1\n" };
  const expand =
    (...lines: string[]) =>
    () =>
      expandScript("s", lines.join("\n"), texts);
  expect(expand("#!lua", "-- include: c.lua")).toThrow(
    "redis/scripts/s.lua:2 includes c.lua: there is no such library",
  );
  expect(expand("#!lua", "-- include: b.lua", "-- include: a.lua")).toThrow(
    "redis/scripts/lib/a.lua:1 includes b.lua: it is included already",
  );
  expect(expand("#!lua", "-- include: a.lua", "return b")().source).toBe(
    "#!lua\nlocal b = 1\nreturn b\n",
  );
});

test("a script that includes nothing is sent as it is", () => {
  expect(expandScript("s", "#!lua\nreturn 1\n", {}).source).toBe("#!lua\nreturn 1\n");
});

test("an error names the file and line, in the words of each Redis; another is left as it is", () => {
  const script = expandScript("s", "#!lua\n-- include: b.lua\nreturn b\n", {
    "b.lua": "\nlocal b\n",
  });
  expect(locateError(script, "ERR user_script:3: no script: abc, on @user_script:3.")).toBe(
    "ERR redis/scripts/lib/b.lua:2: no script: abc, on redis/scripts/lib/b.lua:2.",
  );
  expect(locateError(script, "ERR user_script:4: no")).toBe("ERR redis/scripts/s.lua:3: no");
  expect(locateError(script, "ERR user_script:9: no")).toBe("ERR user_script:9: no");
  expect(locateError(script, "OOM command not allowed")).toBe("OOM command not allowed");
});

test("each status has one number, none above zero, and the same in scripts and programs", () => {
  const named = Object.entries(scriptStatus).map(
    ([name, value]) =>
      [name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(), value] as const,
  );
  const library = libraries.get("status.lua") ?? "";
  const lines = library.split("\n").filter((line) => line !== "" && !line.startsWith("--"));
  expect(lines).toEqual(named.map(([name, value]) => `local ${name} = ${value}`));
  expect(new Set(named.map(([, value]) => value)).size).toBe(named.length);
  expect(Math.max(...named.map(([, value]) => value))).toBe(0);
});

test("every status is used by a script", () => {
  const bodies = [...files.values()].map((text) => text.slice(text.indexOf("]]"))).join("\n");
  const names = [...(libraries.get("status.lua") ?? "").matchAll(/^local (\w+)/gm)];
  expect(names.filter(([, name = ""]) => !new RegExp(`\\b${name}\\b`).test(bodies))).toEqual([]);
});
