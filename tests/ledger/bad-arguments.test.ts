import { expect, test } from "bun:test";

import { nodesKey } from "../../src/ledger/keys.ts";
import { scriptStatus } from "../../src/ledger/script-status.ts";
import { requestHash } from "../../src/sale/tokens.ts";
import { contents, countingChanges } from "./support/contents.ts";
import { oneServer } from "./support/one-server.ts";
import { type Ask, pairsOf, tokenOf } from "./support/sale-scripts.ts";
import { writingCalls, type WritingName } from "./support/writing-calls.ts";

const ledger = oneServer();

/** A script, which of its arguments (from 0) is broken, and what with. */
type Broken = readonly [name: WritingName, argument: number, value: string];

const numbers: readonly string[] = ["", "x", "-1", "1.5", "nan", "inf", "1e300"];

function each(name: WritingName, argument: number, values: readonly string[]): Broken[] {
  return values.map((value): Broken => [name, argument, value]);
}

const token = tokenOf("good");
const hash = requestHash("", "good");
const [, good = ""] = pairsOf([["good"]], "ref.1");
/** The record of the first request with one of its fields, from 0, made another. */
function record(field: number, value: string): string {
  return good
    .split("\t")
    .map((its, index) => (index === field ? value : its))
    .join("\t");
}

/** What a node that is wrong, or another's program, may send as a batch after its ref. */
const badBatches: readonly (readonly [what: string, pairs: readonly string[]])[] = [
  ["no request", []],
  ["a token without a record", [token]],
  ["a record more", [token, good, tokenOf("more")]],
  [
    "1001 requests",
    pairsOf(
      Array.from({ length: 1001 }, (_, i): Ask => [`k${i}`]),
      "ref.1",
    ),
  ],
  ["a token twice", [token, good, token, record(0, "1")]],
  ["a token that is too short", [token.slice(1), good]],
  ["a token that is too long", [`${token}a`, good]],
  ["a token that is not base64url", [`${token.slice(1)}+`, good]],
  ["a token with a newline", [`${token.slice(1)}\n`, good]],
  ["no token", ["", good]],
  ["no record", [token, ""]],
  ["places that do not begin at 0", [token, record(0, "1")]],
  ["places out of order", [token, good, tokenOf("more"), record(0, "2")]],
  ["a place twice", [token, good, tokenOf("more"), good]],
  ...["-1", "x", "", "0.5", "0 "].map((place): [string, string[]] => [
    `the place ${JSON.stringify(place)}`,
    [token, record(0, place)],
  ]),
  ...["0", "-1", "1.5", "1e3", "x", "", "01", "0x5", " 1", "nan", "inf"].map(
    (quantity): [string, string[]] => [
      `the quantity ${JSON.stringify(quantity)}`,
      [token, record(1, quantity)],
    ],
  ),
  ...["a\tb", "a\nb", "\n", "a\0b", "a\u007f", "\u00e9", "x".repeat(129)].map(
    (buyer): [string, string[]] => [
      `the buyer ${JSON.stringify(buyer.slice(0, 8))}`,
      [token, record(2, buyer)],
    ],
  ),
  ...["ref.2", "", "ref.1\n", "ref"].map((ref): [string, string[]] => [
    `another ref in the record: ${JSON.stringify(ref)}`,
    [token, record(3, ref)],
  ]),
  ...[hash.slice(1), `${hash}a`, "", `${hash.slice(1)}+`, `${hash.slice(1)}\n`, `${hash}\n`].map(
    (its): [string, string[]] => [`the hash ${JSON.stringify(its)}`, [token, record(4, its)]],
  ),
  ["a field more", [token, `${good}\t${hash}`]],
  ["a field less", [token, good.slice(0, good.lastIndexOf("\t"))]],
  ["a record of the full form", [token, `held\t1\t1\t1\t2\t\t1\t1\theld\t${hash}`]],
  ["a good request and then a bad one", [token, good, tokenOf("more"), record(1, "0")]],
];

test.each(badBatches)(
  "hold: a batch with %s is refused and nothing is written",
  async (_, pairs) => {
    await refused("hold", [...writingCalls.hold.args.slice(0, 4), "ref.1", ...pairs]);
  },
);

test("hold: a quantity beyond every sale is fewer left, however it is written", async () => {
  const { server, scripts } = ledger;
  await scripts.create();
  await scripts.setState("open");
  const before = await contents(server.client);
  for (const quantity of ["11", "9007199254740993", "9".repeat(400)]) {
    const { status, results } = await scripts.holdRaw([token, record(1, quantity)], {
      ref: "ref.1",
    });
    expect([status, results]).toEqual([0, [scriptStatus.fewerLeft]]);
  }
  await server.client.hdel(nodesKey, "node1#a");
  expect(await contents(server.client)).toEqual(before);
});

/** Named orders as confirm and cancel must not be given them. */
const badOrders: readonly string[] = [
  "",
  "no json",
  "1",
  "null",
  "{}",
  "[]",
  "[1]",
  '["1"]',
  "[null]",
  `[1,"${token}",2]`,
  `["1","${token}"]`,
  `[1.5,"${token}"]`,
  "[1,7]",
  "[1,null]",
  `[null,"${token}"]`,
  `[[1,"${token}"]]`,
  JSON.stringify(Array.from({ length: 1001 }, (_, i) => [i + 1, token]).flat()),
  "[".repeat(2000) + "]".repeat(2000),
];

const secret = "s".repeat(43);
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
  ...each("create", 5, ["", secret.slice(1), `${secret}s`, `${secret.slice(1)}+`, `${secret}\n`]),
  ...each("create", 6, ["", "x", "0123456789abcde ", "\n"]),
  ...each("heartbeat", 5, ["", "a b", "a\tb", "x".repeat(65)]),
  ...each("hold", 1, numbers),
  ...each("hold", 4, ["", "a b", "a\tb", "a\nb", "\u00e9", "r".repeat(65)]),
  ...each("confirm", 1, badOrders),
  ...each("release", 0, ["", "paid", "held"]),
  ...each("release", 2, badOrders),
];

function shown([name, argument, value]: Broken): string {
  const text = value.length > 60 ? `${value.slice(0, 30)}... (${value.length} characters)` : value;
  return `${name}: ARGV[${argument + 1}] = ${JSON.stringify(text)}`;
}

test.each(cases.map((broken) => [shown(broken), broken] as const))(
  "%s is refused and nothing is written",
  async (_, [name, argument, value]) => {
    await refused(name, Object.assign([...writingCalls[name].args], { [argument]: value }));
  },
);

test.each([
  ["no token", 0],
  ["1001 tokens", 1001],
] as const)("lookup: %s is refused and nothing is written", async (_, count) => {
  const tokens = Array.from({ length: count }, (_each, i) => tokenOf(`k${i}`));
  await refused("lookup", [...writingCalls.lookup.args.slice(0, 2), ...tokens]);
});

test.each([
  ...["", "0", "-1", "1001", "nan", "1.5"].map((most) => [most, "1"]),
  ...["", "x", "-1", "1.5", "nan", "1e300"].map((byMs) => ["1", byMs]),
] as [string, string][])(
  "release: a lapse of at most %p by the time %p is refused and nothing is written",
  async (most, byMs) => {
    await refused("release", ["lapsed", 0, most, byMs]);
  },
);

/** A sale that is open and has sold one order refuses the call, and is as it was. */
async function refused(name: WritingName, args: readonly unknown[]): Promise<void> {
  const { server, scripts } = ledger;
  await scripts.create();
  await scripts.setState("open");
  await scripts.hold([["sold"]]);
  const { script, keys } = writingCalls[name];
  const before = await contents(server.client);
  const { value: refusal, made } = await countingChanges(server.client, () =>
    scripts.run(script, keys, args).then(String, String),
  );
  expect(refusal).toContain(`BADARG ${name}`);
  expect(made).toBe(0);
  expect(await contents(server.client)).toEqual(before);
}
