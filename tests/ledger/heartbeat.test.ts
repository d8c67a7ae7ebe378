import { expect, test } from "bun:test";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { contents } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";

const ledger = oneServer();
const staleGeneration = String(scriptStatus.staleGeneration);

/** livingWeight and livingNodes, the last two items of the reply. */
async function living(...beat: Parameters<typeof ledger.scripts.heartbeat>): Promise<number[]> {
  return (await ledger.scripts.heartbeat(...beat)).slice(-2).map(Number);
}

/** Puts a node into the ledger that beat so long ago. */
async function beatAgo(instance: string, agoMs: number, weight: number): Promise<void> {
  const { server, scripts } = ledger;
  const beatMs = (await scripts.nowMs()) - agoMs;
  await server.client.hset(scripts.keys.nodes, instance, `${beatMs} ${weight} 1`);
}

test("a node learns the sale and the weight of all that live, itself included", async () => {
  const { scripts } = ledger;
  await scripts.create({ total: 9, limit: 3 });
  await scripts.setState("open");
  await scripts.hold([["k1", "ann", 2]]);
  expect(await living({ instance: "a", weight: 1 })).toEqual([1, 1]);
  expect(await living({ instance: "b", weight: 2 })).toEqual([3, 2]);
  expect(await living({ instance: "c", weight: 1000 })).toEqual([1003, 3]);
  const beat = await scripts.heartbeat({ instance: "a", weight: 4 });
  const read = await scripts.read();
  expect(beat.slice(0, 10)).toEqual(read.slice(0, 10));
  expect(beat.slice(0, 4)).toEqual(["0", "9", "2", "0"]);
  expect(beat.slice(-2)).toEqual(["1006", "3"]);
});

test("a silent node stops counting, and is forgotten much later", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await beatAgo("lives", 500, 2);
  await beatAgo("silent", 5_000, 4);
  await beatAgo("gone", 500_000, 8);
  const beat = { instance: "a", weight: 1, livingMs: 2_000, forgetMs: 60_000 };
  expect(await living(beat)).toEqual([3, 2]);
  expect((await server.client.hkeys(scripts.keys.nodes)).sort()).toEqual(["a", "lives", "silent"]);
});

test("a node that comes back counts at once", async () => {
  const { scripts } = ledger;
  await scripts.create();
  await beatAgo("a", 500_000, 8);
  expect(await living({ instance: "a", weight: 8, livingMs: 2_000 })).toEqual([8, 1]);
});

test("a node that leaves counts no more", async () => {
  const { scripts } = ledger;
  await scripts.create();
  await living({ instance: "a", weight: 1 });
  await living({ instance: "b", weight: 2 });
  expect(await living({ instance: "b", weight: 0 })).toEqual([1, 1]);
  expect(await living({ instance: "a", weight: 1 })).toEqual([1, 1]);
});

test("a node that only sells does not count before it has said its weight", async () => {
  const { scripts } = ledger;
  await scripts.create();
  await scripts.setState("open");
  await scripts.hold([["k1"]], { instance: "b", generation: 1 });
  expect(await living({ instance: "a", weight: 1 })).toEqual([1, 1]);
  expect(await living({ instance: "b", weight: 2 })).toEqual([3, 2]);
});

test("a heartbeat from an older connection changes nothing", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await scripts.heartbeat({ weight: 5, generation: 2 });
  const before = await contents(server.client);
  expect((await scripts.heartbeat({ weight: 1, generation: 1 }))[0]).toBe(staleGeneration);
  expect((await scripts.heartbeat({ weight: 0, generation: 1 }))[0]).toBe(staleGeneration);
  expect(await contents(server.client)).toEqual(before);
});
