import { expect, test } from "bun:test";

import { scriptStatus } from "../../src/ledger/script-status.ts";
import { readOrderRecord } from "../../src/sale/order.ts";
import { oneServer } from "./support/one-server.ts";
import { type Ask, tokenOf } from "./support/sale-scripts.ts";

const ledger = oneServer();

const { soldOut, notOnSale, limitReached, fewerLeft, buyerMissing } = scriptStatus;

interface Case {
  readonly name: string;
  readonly total?: number;
  readonly limit?: number;
  readonly state?: "open" | "paused" | "closed" | "scheduled";
  /** Sold before, one batch. */
  readonly before?: readonly Ask[];
  readonly asks: readonly Ask[];
  /** A refusal's status, or the serial of the order that the request got, now or before. */
  readonly gets: readonly number[];
  readonly left: number;
}

const cases: readonly Case[] = [
  { name: "sells one ticket", asks: [["k1"]], gets: [1], left: 9 },
  {
    name: "sells as many in one batch as it has",
    total: 5,
    asks: [["k1"], ["k2"], ["k3"], ["k4"], ["k5"], ["k6"]],
    gets: [1, 2, 3, 4, 5, soldOut],
    left: 0,
  },
  {
    name: "leaves the serials of places that bought nothing unused, but for those at the end",
    limit: 1,
    before: [["k1", "ann"], ["k2"], ["k3", "ann"]],
    asks: [["k1", "ann"], ["k4", "ann"], ["k5", "bob"], ["k6"]],
    gets: [1, limitReached, 4, buyerMissing],
    left: 8,
  },
  {
    name: "decides in the order of the batch and gives each the serial of its place",
    asks: [["k1"], ["k2", "ann", 2], ["k3"]],
    gets: [1, 2, 3],
    left: 6,
  },
  { name: "sells the last ticket", total: 1, asks: [["k1"], ["k2"]], gets: [1, soldOut], left: 0 },
  {
    name: "passes over a request that is too large, and sells the rest to the next",
    total: 3,
    asks: [["k1", "", 2], ["k2", "", 2], ["k3"], ["k4"]],
    gets: [1, fewerLeft, 3, soldOut],
    left: 0,
  },
  {
    name: "sells no request in part",
    total: 3,
    asks: [["k1", "", 4]],
    gets: [fewerLeft],
    left: 3,
  },
  { name: "sells all in one request", asks: [["k1", "", 10]], gets: [1], left: 0 },
  {
    name: "gives a repeated request its first order whatever else is asked for",
    before: [["k1", "ann", 1]],
    asks: [["k1", "bob", 5]],
    gets: [1],
    left: 9,
  },
  {
    name: "keeps the limit over batches",
    limit: 2,
    before: [["k1", "ann", 2]],
    asks: [
      ["k2", "ann"],
      ["k3", "bob"],
    ],
    gets: [limitReached, 3],
    left: 7,
  },
  {
    name: "keeps the limit over the requests of one batch",
    limit: 2,
    asks: [
      ["k1", "ann"],
      ["k2", "ann"],
      ["k3", "ann"],
      ["k4", "bob", 2],
    ],
    gets: [1, 2, limitReached, 4],
    left: 6,
  },
  {
    name: "refuses by the limit only what exceeds it",
    limit: 3,
    asks: [
      ["k1", "ann", 2],
      ["k2", "ann", 2],
      ["k3", "ann", 1],
    ],
    gets: [1, limitReached, 3],
    left: 7,
  },
  {
    name: "wants a buyer where there is a limit",
    limit: 1,
    asks: [["k1"], ["k2", "ann"]],
    gets: [buyerMissing, 2],
    left: 9,
  },
  {
    name: "sells nothing while scheduled",
    state: "scheduled",
    asks: [["k1"]],
    gets: [notOnSale],
    left: 10,
  },
  {
    name: "sells nothing while paused",
    state: "paused",
    asks: [["k1"]],
    gets: [notOnSale],
    left: 10,
  },
  {
    name: "sells nothing once closed",
    state: "closed",
    asks: [["k1"]],
    gets: [notOnSale],
    left: 10,
  },
  {
    name: "a known request comes before not on sale",
    state: "closed",
    before: [["k1"]],
    asks: [["k1"], ["k2"]],
    gets: [1, notOnSale],
    left: 9,
  },
  {
    name: "a known request comes before sold out and the limit",
    total: 1,
    limit: 1,
    before: [["k1", "ann"]],
    asks: [
      ["k1", "ann"],
      ["k2", "ann"],
    ],
    gets: [1, soldOut],
    left: 0,
  },
  {
    name: "not on sale comes before sold out",
    total: 1,
    state: "paused",
    before: [["k1"]],
    asks: [["k2"]],
    gets: [notOnSale],
    left: 0,
  },
  {
    name: "sold out comes before fewer left, buyer missing and the limit",
    total: 1,
    limit: 1,
    before: [["k1", "ann"]],
    asks: [["k2", "ann", 2], ["k3"]],
    gets: [soldOut, soldOut],
    left: 0,
  },
  {
    name: "fewer left comes before buyer missing and the limit",
    total: 2,
    limit: 1,
    before: [["k1", "ann"]],
    asks: [
      ["k2", "ann", 2],
      ["k3", "", 2],
    ],
    gets: [fewerLeft, fewerLeft],
    left: 1,
  },
];

test.each(cases)("$name", async (c) => {
  const { server, scripts } = ledger;
  const { total = 10, limit = 0, state = "open", before, asks, gets, left } = c;
  await scripts.create({ total, limit });
  if (before !== undefined) {
    await scripts.setState("open");
    await scripts.hold(before);
  }
  if (state !== "scheduled") {
    await scripts.setState(state);
  }
  const answer = await scripts.hold(asks);
  const serials = answer.results.map((result, place) =>
    typeof result === "number"
      ? result
      : readOrderRecord(tokenOf(asks[place]?.[0] ?? ""), result, null).serial,
  );
  expect({ status: answer.status, serials, left: answer.left }).toEqual({
    status: 0,
    serials: [...gets],
    left,
  });
  const held = await server.client.hget(scripts.keys.stock, "held");
  expect(Number(held)).toBe(total - left);
});
