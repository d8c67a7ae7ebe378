import { afterEach, expect, test } from "bun:test";

import type { SaleDesk } from "../../src/node/selling/sale-desk.ts";
import { SaleDesks, type SaleDesksOptions } from "../../src/node/selling/sale-desks.ts";
import { until } from "../support/until.ts";
import { ScriptedLedger, turn } from "./support/scripted-ledger.ts";

const opened: SaleDesks[] = [];
afterEach(() => opened.splice(0).forEach((desks) => desks.stop()));

/** Desks of a node whose ledger answers by itself but for holds. */
function open(options: Partial<SaleDesksOptions> = {}): [SaleDesks, ScriptedLedger] {
  const ledger = new ScriptedLedger(100_000);
  for (const kind of ["heartbeat", "read", "lookup", "soldOrders"] as const) {
    ledger.automatic.add(kind);
  }
  const desks = new SaleDesks({
    ledger,
    defaultSale: "rush",
    heartbeatMs: 10,
    desksMax: 300,
    idleMs: 60_000,
    weight: 3,
    buffer: 100,
    batchMax: 10,
    queueMax: 10,
    deadlineMs: 100,
    soldOrdersMax: 100,
    nowMs: () => performance.now(),
    makeKey: () => crypto.randomUUID(),
    makeRef: () => `node.${crypto.randomUUID()}`,
    onBatch: () => undefined,
    onFault: () => undefined,
    onHeartbeatFault: () => undefined,
    ...options,
  });
  opened.push(desks);
  return [desks, ledger];
}

/** Waits for so many heartbeats more, and what follows them. */
async function beats(ledger: ScriptedLedger, count: number): Promise<void> {
  const last = ledger.calls.heartbeat + count;
  await until(`${count} heartbeats`, () => ledger.calls.heartbeat >= last);
  await turn();
}

function openMany(desks: SaleDesks, count: number): void {
  for (let index = 0; index < count; index += 1) {
    desks.open(`sale-${index}`);
  }
}

test("three hundred sales cost what one costs while nothing happens: a heartbeat for all", async () => {
  const [desks, ledger] = open();
  openMany(desks, 299);
  ledger.connect();
  await turn();
  expect([...desks.all()].map(({ view }) => view.kind)).toEqual(Array(300).fill("known"));
  expect(ledger.salesRead.flat()).toHaveLength(300);
  desks.start();
  await beats(ledger, 5);
  expect(ledger.salesRead.flat()).toHaveLength(300);
});

test("a change is read of all sales in bounded round trips, within a heartbeat", async () => {
  const [desks, ledger] = open();
  openMany(desks, 299);
  ledger.connect();
  await turn();
  desks.start();
  ledger.state = "paused";
  ledger.changed += 1;
  ledger.salesRead.length = 0;
  await beats(ledger, 2);
  expect(new Set(ledger.salesRead.flat()).size).toBe(300);
  expect(Math.max(...ledger.salesRead.map(({ length }) => length))).toBe(64);
  for (const { snapshot } of desks.all()) {
    expect(snapshot?.state).toBe("paused");
  }
});

test("a heartbeat that is refused makes every sale unknown, and the next one known", async () => {
  const faults: string[] = [];
  const [desks, ledger] = open({ onHeartbeatFault: (fault) => faults.push(fault) });
  openMany(desks, 3);
  ledger.connect();
  await turn();
  ledger.automatic.delete("heartbeat");
  desks.start();
  await until("a heartbeat is sent", () => ledger.pending("heartbeat") === 1);
  ledger.fail("refused", false, "heartbeat");
  await turn();
  expect([...desks.all()].map(({ view }) => view.kind)).toEqual(Array(4).fill("unknown"));
  expect(faults).toEqual(["heartbeat refused: scripted: refused"]);
  ledger.automatic.add("heartbeat");
  // The next one may have been sent already.
  ledger.answer("heartbeat");
  await beats(ledger, 1);
  expect([...desks.all()].map(({ view }) => view.kind)).toEqual(Array(4).fill("known"));
});

test("a node that leaves says so at once, for all sales, and does not take it back", async () => {
  const [desks, ledger] = open();
  openMany(desks, 3);
  ledger.connect();
  await turn();
  expect(ledger.weightSeen).toBe(3);
  const { heartbeat } = ledger.calls;
  await desks.leave();
  expect(ledger.weightSeen).toBe(0);
  expect(ledger.calls.heartbeat).toBe(heartbeat + 1);
  desks.start();
  desks.open("one more");
  await beats(ledger, 2);
  expect(ledger.weightSeen).toBe(0);
});

test("a request whose batch hangs is answered at its deadline, again and again", async () => {
  const [desks, ledger] = open();
  ledger.connect();
  await turn();
  for (const key of ["first", "second"]) {
    const outcome = desks.default.buy({ key, buyer: "", quantity: 1 });
    expect(await outcome).toEqual({ kind: "undecided", key });
    // The deadlines are watched no more once this is over.
    ledger.answer("hold");
    await until("nothing waits", () => desks.default.idle);
  }
});

test("a desk of a missing sale is not closed while a purchase waits for the sale to be read", async () => {
  const [desks, ledger] = open({ desksMax: 2 });
  ledger.connect();
  await turn();
  ledger.missing = true;
  const desk = desks.open("to-come");
  await desk?.refresh();
  expect(desk?.view.kind).toBe("missing");
  ledger.automatic.delete("read");
  const bought = desk?.buy({ key: "mine", buyer: "", quantity: 1 });
  await turn();
  // Its place is wanted, but whoever is answered by a closed desk has no deadline and no resend.
  expect(desks.open("another")).toBeNull();
  expect([...desks.all()].includes(desk as SaleDesk)).toBe(true);
  ledger.missing = false;
  ledger.answer("read");
  await turn();
  expect(ledger.fail("unknown", true, "hold")).toBe(true);
  expect(await bought).toEqual({ kind: "undecided", key: "mine" });
});
