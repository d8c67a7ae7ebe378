import { expect, test } from "bun:test";

import { contents, countingChanges } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { writingCalls, type WritingName } from "./support/writing-calls.ts";

const ledger = oneServer();

/** A script, which of its arguments (from 0) is broken, and what with. */
type Broken = readonly [name: WritingName, argument: number, value: string];

const numbers: readonly string[] = ["", "x", "-1", "1.5", "nan", "inf", "1e300"];

function each(name: WritingName, argument: number, values: readonly string[]): Broken[] {
  return values.map((value): Broken => [name, argument, value]);
}

const token = "0123456789abcdef";
const badRequests: readonly string[] = [
  "",
  "no json",
  "1",
  "null",
  '"k1"',
  "{}",
  '{"1":["k1","",1]}',
  "[]",
  "[null]",
  '["k1"]',
  '["k1","",1]',
  `["k1","",1,"${token}","k2"]`,
  `[["k1","",1,"${token}"]]`,
  `[null,"",1,"${token}"]`,
  `[1,"",1,"${token}"]`,
  `["k1",null,1,"${token}"]`,
  `["k1",7,1,"${token}"]`,
  '["k1","",1,null]',
  '["k1","",1,7]',
  ...['"1"', "0", "-1", "1.5", "1e-9", "null", "true", "[]", "NaN", "Infinity"].map(
    (quantity) => `["k1","",${quantity},"${token}"]`,
  ),
  `["good","",1,"${token}","k1","",0,"${token}"]`,
  `["good","",1,"${token}",null,null,null,null,"k1","",1,"${token}"]`,
  JSON.stringify(Array.from({ length: 1001 }, (_, i) => [`k${i}`, "", 1, token]).flat()),
  "[".repeat(2000) + "]".repeat(2000),
];

const cases: readonly Broken[] = [
  ...each("create", 1, [...numbers, "0", "1000000001"]),
  ...each("create", 2, [...numbers, "1000000001"]),
  ...each("create", 3, [...numbers, "0", "999"]),
  ...each("create", 4, numbers),
  ...each("set-state", 0, ["", "OPEN", "scheduled", "gone"]),
  ...each("restock", 1, [...numbers, "0", "1000000001"]),
  ...each("heartbeat", 1, [...numbers, "1001"]),
  ...each("heartbeat", 2, numbers),
  ...each("heartbeat", 3, ["", "x", "-1", "nan"]),
  ...each("heartbeat", 4, ["", "x", "-1", "nan"]),
  ...each("heartbeat", 5, ["", "a b", "a\tb", "x".repeat(65)]),
  ...each("lookup", 1, ["", "no json", "1", "null", "{}", "[]", "[1]", "[null]", '["k1",2]']),
  ...each("lookup", 1, [JSON.stringify(Array.from({ length: 1001 }, (_, i) => `k${i}`))]),
  ...each("hold", 1, numbers),
  ...each("hold", 3, badRequests),
];

function shown([name, argument, value]: Broken): string {
  const text = value.length > 60 ? `${value.slice(0, 30)}... (${value.length} characters)` : value;
  return `${name}: ARGV[${argument + 1}] = ${JSON.stringify(text)}`;
}

test.each(cases.map((broken) => [shown(broken), broken] as const))(
  "%s is refused and nothing is written",
  async (_, [name, argument, value]) => {
    const { server, scripts } = ledger;
    await scripts.create();
    await scripts.setState("open");
    await scripts.hold([["sold"]]);
    const { script, keys, args } = writingCalls[name];
    const broken: readonly unknown[] = Object.assign([...args], { [argument]: value });
    const before = await contents(server.client);
    const { value: refusal, made } = await countingChanges(server.client, () =>
      scripts.run(script, keys, broken).then(String, String),
    );
    expect(refusal).toContain(`BADARG ${name}`);
    expect(made).toBe(0);
    expect(await contents(server.client)).toEqual(before);
  },
);
