import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { Answers } from "../../src/node/http/answers.ts";
import { messages } from "../../src/node/http/messages.ts";
import type { Outcome } from "../../src/sale/outcome.ts";
import { keyPattern } from "../../src/sale/sale.ts";

const answers = new Answers("node1", "en");
const sold: Outcome = {
  kind: "sold",
  order: "tickets.7.Zm9vYmFyLWJhel9xdXV4Mg",
  serial: 7,
  quantity: 2,
  payByMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
};

interface Expected {
  readonly outcome: Outcome;
  readonly status: number;
  readonly code: number;
  readonly data: unknown;
}

const table: readonly Expected[] = [
  {
    outcome: sold,
    status: 201,
    code: 1,
    data: {
      order: "tickets.7.Zm9vYmFyLWJhel9xdXV4Mg",
      serial: 7,
      sale: "tickets",
      quantity: 2,
      payBy: "2026-01-02T03:04:05.678Z",
    },
  },
  { outcome: { kind: "undecided", key: "a b" }, status: 202, code: 0, data: { key: "a b" } },
  { outcome: { kind: "soldOut" }, status: 410, code: -1, data: null },
  { outcome: { kind: "fewerLeft", left: 3 }, status: 409, code: -6, data: { left: 3 } },
  {
    outcome: { kind: "notOnSale", state: "paused", opensAtMs: 0 },
    status: 403,
    code: -2,
    data: { state: "paused", opensAt: null },
  },
  { outcome: { kind: "limitReached", limit: 4 }, status: 409, code: -3, data: { limit: 4 } },
  { outcome: { kind: "busy", reason: "queueFull" }, status: 503, code: -4, data: null },
  { outcome: { kind: "unknownSale" }, status: 404, code: -5, data: null },
  { outcome: { kind: "buyerMissing" }, status: 400, code: -5, data: null },
];

describe("answers to purchases", () => {
  for (const { outcome, status, code, data } of table) {
    test(`${outcome.kind} is ${status} with code ${code}`, async () => {
      const answer = answers.ofPurchase("tickets", outcome);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("X-Sluice-Node")).toBe("node1");
      expect(answer.headers.get("Content-Type")).toContain("application/json");
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(await answer.json()).toEqual({ code, msg: messages.en[outcome.kind], data });
    });
  }

  test("only the sold-out answer may be kept by Nginx, for a second", () => {
    for (const { outcome } of table) {
      const expires = answers.ofPurchase("tickets", outcome).headers.get("X-Accel-Expires");
      expect(expires).toBe(outcome.kind === "soldOut" ? "1" : null);
    }
  });

  test("who is told to come back is told when and where", () => {
    const undecided = answers.undecided("tickets", "a/b?c");
    expect(undecided.headers.get("Retry-After")).toBe("1");
    expect(undecided.headers.get("Location")).toBe("/sales/tickets/requests/a%2Fb%3Fc");
    expect(answers.busy().headers.get("Retry-After")).toBe("1");
  });

  test("any legal key survives the way into the body and the Location and back", async () => {
    const key = fc.stringMatching(keyPattern);
    await fc.assert(
      fc.asyncProperty(key, async (given) => {
        const answer = answers.undecided("tickets", given);
        const parsed = (await answer.json()) as { data: { key: string } };
        expect(parsed.data.key).toBe(given);
        const location = answer.headers.get("Location") ?? "";
        expect(decodeURIComponent(location.slice("/sales/tickets/requests/".length))).toBe(given);
      }),
    );
  });

  test("the same words are there in Chinese", async () => {
    const chinese = new Answers("node1", "zh");
    expect(await chinese.ofPurchase("tickets", sold).json()).toMatchObject({ msg: "抢票成功" });
    const gone = chinese.ofPurchase("tickets", { kind: "soldOut" });
    expect(await gone.json()).toMatchObject({ msg: "已售罄" });
    expect(Object.keys(messages.zh)).toEqual(Object.keys(messages.en));
  });
});

test("once a node drains, every answer asks for its connection to be closed, and none before", () => {
  const drained = new Answers("node1", "en");
  const all = () => [
    ...table.map(({ outcome }) => drained.ofPurchase("tickets", outcome)),
    drained.health(false, "draining"),
    drained.notFound(),
    drained.methodNotAllowed("POST"),
    drained.undecidedOrder("tickets.7.Zm9vYmFyLWJhel9xdXV4Mg"),
    drained.internal(),
  ];
  expect(all().filter((answer) => answer.headers.has("Connection"))).toEqual([]);
  drained.closeConnections();
  expect(all().filter((answer) => answer.headers.get("Connection") !== "close")).toEqual([]);
});
