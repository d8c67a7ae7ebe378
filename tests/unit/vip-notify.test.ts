import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TEMPLATE = join(import.meta.dir, "..", "..", "lvs", "vip-notify.j2");

let directory = "";
let script = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "vip-notify-"));
  script = join(directory, "vip-notify");
  const text = await Bun.file(TEMPLATE).text();
  await Bun.write(
    script,
    text
      .replaceAll("{{ lvs_director_state_dir }}", directory)
      .replace(/\{\{ [a-z_]+ \}\}/g, "of the test")
      .replace("logger ", ": "),
  );
  await chmod(script, 0o755);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A notify script as keepalived starts it, which comes to run after a while. */
function notify(part: string, delayS: number): Promise<number> {
  const command = `sleep ${delayS}; exec "${script}" INSTANCE vip ${part} 249`;
  return Bun.spawn(["sh", "-c", command], { stdio: ["ignore", "inherit", "inherit"] }).exited;
}

async function state(): Promise<string> {
  return (await Bun.file(join(directory, "state")).text()).split(" ")[0] ?? "";
}

test("who has the VIP is what keepalived said last, even if it is written first", async () => {
  const former = notify("MASTER", 0.5);
  const latter = notify("BACKUP", 0);
  expect(await Promise.all([former, latter])).toEqual([0, 0]);
  expect(await state()).toBe("BACKUP");
});

test("one change after another is written each time", async () => {
  for (const part of ["MASTER", "FAULT", "BACKUP", "MASTER"]) {
    expect(await notify(part, 0)).toBe(0);
    expect(await state()).toBe(part);
  }
});
