import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { StoredSerials } from "../../bench/stored-serials.ts";

let folder = "";
let written: Database;
let stored: StoredSerials;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-stored-"));
  const path = join(folder, "orders.sqlite");
  written = new Database(path);
  written.run("CREATE TABLE orders (sale TEXT, serial INTEGER)");
  stored = new StoredSerials(`sqlite://${path}`, "bench-0");
});

afterEach(async () => {
  await stored.close();
  written.close();
  await rm(folder, { recursive: true, force: true });
});

function write(serials: readonly number[], sale = "bench-0"): void {
  for (const serial of serials) {
    written.run("INSERT INTO orders VALUES (?, ?)", [sale, serial]);
  }
}

describe("a cost is divided only by orders that are all in the database", () => {
  test("serials with gaps do not end the wait before the last order is there", async () => {
    write([1, 2, 5]);
    let done = false;
    const waiting = stored.untilCount(4, { everyMs: 1, limitMs: 20_000 }).then(() => {
      done = true;
    });
    await Bun.sleep(50);
    expect(done).toBe(false);
    write([4]);
    await waiting;
  });

  test("orders that never come end the wait, with how many there are", async () => {
    write([1, 2, 9]);
    const waiting = stored.untilCount(4, { everyMs: 1, limitMs: 20 });
    expect(await waiting.catch(String)).toContain("3 of 4 orders are stored after 20 ms");
  });

  test("one order too few, one too many or one twice is a failure; another sale's are not", async () => {
    write([1, 2, 3]);
    write([1, 2, 3, 4], "other");
    await stored.demandAll(3);
    expect(await stored.demandAll(4).catch(String)).toContain("3 orders with 3 serials");
    expect(await stored.demandAll(2).catch(String)).toContain("and not 2");
    write([3]);
    expect(await stored.demandAll(4).catch(String)).toContain("4 orders with 3 serials");
  });
});
