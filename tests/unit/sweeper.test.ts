import { expect, test } from "bun:test";

import type { Lapse } from "../../src/ledger/outbox/group.ts";
import { Sweeper } from "../../src/orders/sweeper.ts";

/** A sweeper of one sale, whose next hold lapses at `deadlineMs` until something is released. */
class Rig {
  readonly faults: string[] = [];
  lapses = 0;
  readonly sweeper: Sweeper;

  constructor(deadlineMs: number, released: number) {
    let next: number | null = deadlineMs;
    this.sweeper = new Sweeper({
      group: {
        nextDeadlines: () => Promise.resolve([next]),
        lapse: (): Promise<Lapse> => {
          this.lapses += 1;
          next = released > 0 ? null : next;
          return Promise.resolve({ released, more: false, broken: [] });
        },
        lapseBatch: () => Promise.resolve(0),
      },
      sales: { all: ["tickets"] },
      pause: { stopped: false },
      onLapsed: () => undefined,
      onFault: (fault) => this.faults.push(fault),
    });
  }
}

const hourMs = 3_600_000;

test("what is overdue by both clocks is released, and then nothing is waited for", async () => {
  const nowMs = Date.now();
  const rig = new Rig(nowMs - 1, 5);
  await rig.sweeper.sweep({ nowMs, changed: 1, added: 1 });
  expect([rig.lapses, rig.sweeper.nextMs, rig.faults]).toEqual([1, Infinity, []]);
});

test("a clock that is behind the ledger's has it said, and waits instead of asking again and again", async () => {
  const nowMs = Date.now() + hourMs;
  const rig = new Rig(nowMs - 1_000, 0);
  await rig.sweeper.sweep({ nowMs, changed: 1, added: 1 });
  await rig.sweeper.sweep({ nowMs: nowMs + 5, changed: 1, added: 1 });
  expect(rig.lapses).toBe(0);
  expect(rig.sweeper.nextMs).toBeGreaterThan(nowMs + hourMs / 2);
  expect(rig.faults[0]).toMatch(/clock .* 36\d\d s behind the ledger's/);
});

test("a clock that is behind by less than a hold can be late keeps nothing waiting for long", async () => {
  const nowMs = Date.now() + 400;
  const rig = new Rig(nowMs - 100, 0);
  await rig.sweeper.sweep({ nowMs, changed: 1, added: 1 });
  expect(rig.sweeper.nextMs - nowMs).toBeWithin(0, 401);
  expect(rig.faults).toEqual([]);
});

test("a deadline that stays though nothing is released is not asked about without a pause", async () => {
  const nowMs = Date.now();
  const rig = new Rig(nowMs - 1, 0);
  await rig.sweeper.sweep({ nowMs, changed: 1, added: 1 });
  expect(rig.lapses).toBe(1);
  expect(rig.sweeper.nextMs).toBeGreaterThanOrEqual(nowMs + 100);
});
