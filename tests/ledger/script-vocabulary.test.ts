import { expect, test } from "bun:test";

import { callScript } from "../../src/ledger/call-script.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { expandScript } from "../../src/ledger/script.ts";
import { outboxScripts, scripts } from "../../src/ledger/scripts.ts";
import { transitions } from "../../src/sale/order.ts";
import { saleStates, settableStates } from "../../src/sale/sale.ts";
import { oneServer } from "./support/one-server.ts";
import { textOf } from "./support/shapes.ts";

const ledger = oneServer();

const record = await Bun.file(
  new URL("../../redis/scripts/lib/record.lua", import.meta.url),
).text();

/** What a piece of Lua returns that has the library of records before it. */
async function evaluate(lua: string, ...args: string[]): Promise<string> {
  const { client } = ledger.server;
  return textOf(await client.eval(`${record}\n${lua}`, 0, ...args));
}

/** A record after a change, or why there is none. */
function change(text: string, cause: string): Promise<string> {
  const lua = "return change_record(read_record(ARGV[1]), ARGV[2], 1800000000123) or 'not allowed'";
  return evaluate(lua, text, cause);
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
  const held = "held\t7\t2\t1000\t2000\t0123456789abcdef\tanna\tk 1";
  const lapsed = await change(held, "lapsed");
  expect(lapsed).toBe(`${held.replace("held", "released")}\t2\t1800000000123\tlapsed`);
  const revived = await change(lapsed, "revived");
  expect(revived).toBe(`${held.replace("held", "paid")}\t3\t1800000000123\trevived`);
  expect(await change(held, "revived")).toBe("not allowed");
  expect(await change(lapsed, "paid")).toBe("not allowed");
  expect(await change(await change(held, "cancelled"), "revived")).toBe("not allowed");
  expect(await change(revived, "cancelled")).toBe("not allowed");
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
  const { stock, orders, buyers, events } = sale.keys;
  const args = [0, '[1,"0123456789abcdef"]'];
  const failing = callScript(server.client, scripts.confirm, [stock, orders, buyers, events], args);
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
