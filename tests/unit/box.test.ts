import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { addBox, type Vagrant } from "../../dev/box/add.ts";
import { checkPinned } from "../../dev/box/build.ts";

const STORED = "sluice-VAGRANTSLASH-debian-13";
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-box-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A Vagrant and a libvirt that note what they are asked, with these volumes in the pool. */
function standIn(volumes: readonly string[]): Vagrant {
  const home = join(folder, "home");
  const note = (program: string, words: readonly string[]): string =>
    `echo '${program} ${words.join(" ")}' >>${join(folder, "calls")}`;
  return {
    home,
    command: (words) => [
      "sh",
      "-c",
      `${note("vagrant", words)}; mkdir -p ${join(home, "boxes", STORED)}`,
    ],
    virsh: (words) => [
      "sh",
      "-c",
      `${note("virsh", words)}; printf ' %s  /images/%s\\n' ${volumes.map((name) => `${name} x`).join(" ")}`,
    ],
  };
}

function calls(): string[] {
  return readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
}

test("a rebuilt box replaces what libvirt keeps of the former, and nobody else's volume", async () => {
  const vagrant = standIn([`${STORED}_vagrant_box_image_0_17_box.img`, "shop_web1.img"]);
  const box = { file: "/cache/box-1/debian-13.box", manifest: "" };
  expect(await addBox(box, vagrant)).toBe(true);
  expect(calls()[0]).toContain("vagrant box add");
  expect(calls()[0]).toEndWith("/cache/box-1/debian-13.box");
  expect(calls().filter((call) => call.includes("vol-delete"))).toEqual([
    `virsh vol-delete --pool default ${STORED}_vagrant_box_image_0_17_box.img`,
  ]);
});

test("a box that Vagrant has is not added again, another one is", async () => {
  const vagrant = standIn([]);
  const first = { file: "/cache/box-1/debian-13.box", manifest: "" };
  await addBox(first, vagrant);
  const before = calls().length;
  expect(await addBox(first, vagrant)).toBe(false);
  expect(calls()).toHaveLength(before);
  expect(await addBox({ file: "/cache/box-2/debian-13.box", manifest: "" }, vagrant)).toBe(true);
});

test("a pinned list is binding if it is asked for, else what differs is only said", () => {
  const list = join(folder, "pinned");
  const manifest = join(folder, "packages.lock");
  writeFileSync(list, "bash=5.2.37-2\n");
  writeFileSync(manifest, "bash=5.2.37-3\n");
  const said: string[] = [];
  const box = { file: join(folder, "debian-13.box"), manifest };
  checkPinned(box, { list, isBinding: false }, (line) => said.push(line));
  expect(said.join("\n")).toContain("bash: 5.2.37-3 instead of 5.2.37-2");
  expect(() => checkPinned(box, { list, isBinding: true }, () => {})).toThrow("bash: 5.2.37-3");
});
