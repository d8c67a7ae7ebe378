import { expect, test } from "bun:test";

import fc from "fast-check";

import { callScript } from "../../src/ledger/call-script.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { expandScript } from "../../src/ledger/script.ts";
import { outboxScripts, scripts } from "../../src/ledger/scripts.ts";
import {
  encodeFullRecord,
  encodeShortRecord,
  type OrderRecord,
  readOrderRecord,
  transitions,
} from "../../src/sale/order.ts";
import { keyPattern, saleStates, settableStates } from "../../src/sale/sale.ts";
import { oneServer } from "./support/one-server.ts";
import { textOf } from "./support/shapes.ts";
import { writingCalls } from "./support/writing-calls.ts";

const ledger = oneServer();

const recordLibrary = await Bun.file(
  new URL("../../redis/scripts/lib/record.lua", import.meta.url),
).text();

/** What a piece of Lua returns that has the library of records before it. */
async function evaluate(lua: string, ...args: string[]): Promise<string> {
  const { client } = ledger.server;
  return textOf(await client.eval(`${recordLibrary}\n${lua}`, 0, ...args));
}

const token = "0123456789abcdef012345";

/** A record after a change, or why there is none. */
function change(text: string, cause: string): Promise<string> {
  const lua =
    "return change_record(read_record(KEYS[1], ARGV[1]), ARGV[3], ARGV[2], 1800000000123, {}) " +
    "or 'not allowed'";
  return evaluate(lua, text, cause, token);
}

test("scripts may change an order as the table of transitions has it, and in no other way", async () => {
  const table = JSON.parse(await evaluate("return cjson.encode(TRANSITIONS)")) as unknown;
  const expected: Record<string, Record<string, string>> = {};
  for (const { after, from, to, cause } of transitions.filter((each) => each.from !== null)) {
    const before = `${from} ${after}`;
    expected[before] = { ...expected[before], [cause]: to };
  }
  expect(table).toEqual(expected);
});

test("a change keeps what an order is, and adds a revision, a time and a cause", async () => {
  const record: OrderRecord = {
    token,
    state: "held",
    serial: 7,
    quantity: 2,
    heldAtMs: 1e3,
    payByMs: 2e3,
    buyer: "anna b",
    revision: 1,
    changedAtMs: 1e3,
    cause: "held",
    hash: "abcdefghi-_",
  };
  const held = encodeFullRecord(record);
  const changedAtMs = 1_800_000_000_123;
  const lapsed = await change(held, "lapsed");
  expect(readOrderRecord(token, lapsed, null)).toEqual({
    ...record,
    state: "released",
    revision: 2,
    changedAtMs,
    cause: "lapsed",
  });
  const revived = await change(lapsed, "revived");
  expect(readOrderRecord(token, revived, null)).toEqual({
    ...record,
    state: "paid",
    revision: 3,
    changedAtMs,
    cause: "revived",
  });
  expect(await change(held, "revived")).toBe("not allowed");
  expect(await change(lapsed, "paid")).toBe("not allowed");
  expect(await change(await change(held, "cancelled"), "revived")).toBe("not allowed");
  expect(await change(revived, "cancelled")).toBe("not allowed");
});

test("a change keeps what a later version wrote into a record", async () => {
  const more = "reference=p 1\tamount=12.50\t";
  const held = `held\t7\t2\t1000\t2000\t\t1\t1000\theld\t${more}abcdefghi-_`;
  const paid = await change(held, "paid");
  expect(paid).toBe(`paid\t7\t2\t1000\t2000\t\t2\t1800000000123\tpaid\t${more}abcdefghi-_`);
  expect(readOrderRecord(token, paid, null)).toMatchObject({ state: "paid", buyer: "" });
});

test("scripts read and write each record as programs do, of either form", async () => {
  const buyer = fc.oneof(fc.constant(""), fc.stringMatching(keyPattern));
  const number = fc.integer({ min: 1, max: 1e9 });
  const time = fc.integer({ min: 0, max: 9e12 });
  const hash = fc.stringMatching(/^[\w-]{11}$/);
  await fc.assert(
    fc.asyncProperty(
      buyer,
      number,
      number,
      time,
      time,
      hash,
      async (who, first, n, at, by, its) => {
        const place = n % 1_000;
        const batch = { ref: "node-1.a_b.7", first, heldAtMs: at, payByMs: by };
        const short = encodeShortRecord(place, n, who, batch.ref, its);
        const row = `1-1\t${first}\t${at}\t${by}\t1`;
        await ledger.server.client.hset("batches", batch.ref, row);
        const lua = "return write_record(read_record('batches', ARGV[1]))";
        const full = await evaluate(lua, short);
        const read = readOrderRecord(token, short, batch);
        expect(full).toBe(encodeFullRecord(read));
        expect(readOrderRecord(token, full, null)).toEqual(read);
        expect(await evaluate(lua, full)).toBe(full);
      },
    ),
    { numRuns: 200 },
  );
});

test("a sale is set to each state that an operator may set, and to no other", async () => {
  const { scripts: sale } = ledger;
  await sale.create();
  const taken: string[] = [];
  for (const state of saleStates) {
    const status = await sale.setState(state).catch(() => null);
    if (status === scriptStatus.done) {
      taken.push(state);
    }
  }
  expect(taken).toEqual([...settableStates]);
});

test("every script compiles as it is sent", async () => {
  for (const { source, sha1 } of [...Object.values(scripts), ...Object.values(outboxScripts)]) {
    expect(await ledger.server.client.script("LOAD", source)).toBe(sha1);
  }
});

test("an error in a library of a script names the file and line where it stands", async () => {
  const { server, scripts: sale } = ledger;
  await sale.create({ total: 2 });
  await server.client.hset(sale.keys.stock, "held", 3);
  const { keys } = writingCalls.confirm;
  const failing = callScript(server.client, scripts.confirm, keys, [0, `[1,"${token}"]`]);
  const said = await failing.then(String, String);
  const place = /redis\/scripts\/lib\/stock\.lua:(\d+): the sale is oversold/.exec(said)?.[1];
  const library = await Bun.file(
    new URL("../../redis/scripts/lib/stock.lua", import.meta.url),
  ).text();
  expect(library.split("\n")[Number(place) - 1]).toContain("'the sale is oversold'");
});

test("a script that the server does not know is loaded, and what follows it is sent again", async () => {
  const { client } = ledger.server;
  const script = expandScript("once", "#!lua\nreturn redis.call('INCR', KEYS[1])\n", {});
  let sent = 0;
  await client.script("FLUSH");
  const call = () => callScript(client, script, ["{sale:x}:n"], [], () => (sent += 1));
  expect([await call(), sent]).toEqual([1, 2]);
  expect([await call(), sent]).toEqual([2, 3]);
});
