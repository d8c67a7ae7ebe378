import { afterAll, beforeAll, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nameRelease, programs } from "../../dev/build/release-id.ts";
import { listSources } from "../../dev/build/sources.ts";
import { ROOT } from "../../dev/host/checkout.ts";

/** A copy of what is built, to change things in. */
let copy = "";

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "sluice-build-"));
  for (const path of ["src", "dev", "redis", "package.json", "bun.lock", "tsconfig.json"]) {
    await cp(join(ROOT, path), join(copy, path), { recursive: true });
  }
});
afterAll(() => rm(copy, { recursive: true, force: true }));

async function append(path: string, text: string): Promise<void> {
  const file = join(copy, path);
  await Bun.write(file, (await Bun.file(file).text()) + text);
}

test("scripts and migrations are part of a release, tests and the embedded stack's start are not", async () => {
  const sources = await listSources(ROOT, Object.values(programs));
  const node = await listSources(ROOT, [programs["ticket-node"]]);
  expect(node).toContain("redis/scripts/hold.lua");
  expect(sources).toContain("src/orders/migrations/0001-orders.sql");
  expect(sources).not.toContain("dev/main.ts");
  expect(sources.filter((path) => path.startsWith("dev/"))).toEqual([]);
});

test("the same sources have the same name anywhere, and a label makes it another release", async () => {
  const name = await nameRelease(ROOT, undefined);
  expect(name).toMatch(/^[0-9a-f]{12}$/);
  expect(await nameRelease(copy, undefined)).toBe(name);
  expect(await nameRelease(ROOT, "v2")).toBe(`v2-${name}`);
  expect(nameRelease(ROOT, "../v2")).rejects.toThrow("--label takes");
});

test.each(["src/node/http/answers.ts", "redis/scripts/hold.lua", "bun.lock"])(
  "a change of %s makes another release",
  async (path) => {
    const before = await nameRelease(copy, undefined);
    await append(path, "\n");
    expect(await nameRelease(copy, undefined)).not.toBe(before);
  },
);

test("a change of what is not built makes none", async () => {
  const before = await nameRelease(copy, undefined);
  await append("dev/main.ts", "\n");
  expect(await nameRelease(copy, undefined)).toBe(before);
});
