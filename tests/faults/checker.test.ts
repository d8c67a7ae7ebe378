import { describe, expect, test } from "bun:test";

import { check, type ViolationKind } from "./support/checker.ts";
import type { FinalBooks, FinalOrder } from "./support/final-books.ts";
import { type Completion, History, type Invocation } from "./support/history.ts";

const nodeMade = (digit: string) => digit.repeat(32);

/** A world in which everything is right; tests plant one fault each. */
class World {
  readonly history = new History();
  total = 3;
  held: number | null = null;
  orders: FinalOrder[] = [];
  requests = new Map<string, string>();
  heldEvents: string[] = [];

  /** The ledger sells. */
  sell(key: string, quantity = 1, buyer = ""): Completion {
    const serial = this.orders.length + 1;
    const order = `rush.${serial}.0123456789abcdef`;
    this.orders.push({
      order,
      state: "held",
      serial,
      quantity,
      buyer,
      key,
    });
    this.requests.set(key, order);
    this.heldEvents.push(order);
    return { kind: "ok", order, serial, quantity };
  }

  /** A client is told something. */
  tell(completion: Completion, invocation: Partial<Invocation> = {}): void {
    this.history.add({ key: null, buyer: "", quantity: 1, ...invocation }, completion);
  }

  get books(): FinalBooks {
    const { total, orders, requests, heldEvents } = this;
    const held = this.held ?? orders.reduce((sum, { quantity }) => sum + quantity, 0);
    return { total, held, paid: 0, orders, requests, heldEvents };
  }

  found(restocked = false): ViolationKind[] {
    return check(this.history, this.books, { restocked }).map(({ kind }) => kind);
  }
}

const soldOut: Completion = { kind: "fail", status: 410, code: -1 };
const paused: Completion = { kind: "fail", status: 403, code: -2 };
const busy: Completion = { kind: "fail", status: 503, code: -4 };
const lost: Completion = { kind: "unknown", why: "ConnectionClosed", key: null };
const undecided = (key: string): Completion => ({ kind: "unknown", why: "202", key });
const fewerLeft = (left: number): Completion => ({ kind: "fail", status: 409, code: -6, left });

describe("what is right is not called a violation", () => {
  const worlds: readonly [name: string, build: (world: World) => void][] = [
    ["nothing happened", () => undefined],
    [
      "all sold, with and without keys, and then sold out",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        world.tell(world.sell(nodeMade("1"), 2), { quantity: 2 });
        world.tell(soldOut);
      },
    ],
    [
      "an unknown that was sold, and one that was not",
      (world) => {
        world.sell("a");
        world.tell(undecided("a"), { key: "a" });
        world.tell(undecided("b"), { key: "b" });
        world.sell(nodeMade("1"));
        world.tell(undecided(nodeMade("1")));
        world.sell(nodeMade("2"));
        world.tell(lost);
        world.tell(lost);
      },
    ],
    [
      "a key that was refused, and then sold when it was asked again",
      (world) => {
        world.tell(paused, { key: "a" });
        world.tell(busy, { key: "a" });
        world.tell(world.sell("a"), { key: "a" });
      },
    ],
    [
      "a key that was unknown, refused, and sold by its first request",
      (world) => {
        world.tell({ kind: "unknown", why: "ConnectionClosed", key: "a" }, { key: "a" });
        world.sell("a");
        world.tell(paused, { key: "a" });
      },
    ],
    [
      "a key that was answered twice with its one order",
      (world) => {
        const sold = world.sell("a");
        world.tell(sold, { key: "a" });
        world.tell(sold, { key: "a" });
      },
    ],
    [
      "a key used again for another quantity gets its first order",
      (world) => {
        const sold = world.sell("a", 2);
        world.tell(sold, { key: "a", quantity: 2 });
        world.tell(sold, { key: "a", quantity: 1 });
      },
    ],
    ["fewer left than asked for", (world) => world.tell(fewerLeft(3), { quantity: 4 })],
  ];
  for (const [name, build] of worlds) {
    test(name, () => {
      const world = new World();
      build(world);
      expect(world.found()).toEqual([]);
    });
  }

  test("sold out was answered, and stock came back later", () => {
    const world = new World();
    world.tell(soldOut);
    expect(world.found(true)).toEqual([]);
  });
});

describe("planted violations are found", () => {
  const worlds: readonly [kind: ViolationKind, name: string, build: (world: World) => void][] = [
    ["oversold", "more held than there are", (world) => world.tell(world.sell("a", 4), four)],
    [
      "oversold",
      "the orders exceed the stock, though the counter does not",
      (world) => {
        world.tell(world.sell("a", 4), four);
        world.held = 3;
      },
    ],
    [
      "broken books",
      "the counter is not the sum of the orders",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        world.held = 2;
      },
    ],
    ["undersold", "sold out with tickets left", (world) => world.tell(soldOut)],
    [
      "undersold",
      "fewer left than asked for, though there were enough",
      (world) => world.tell(fewerLeft(2), { quantity: 2 }),
    ],
    [
      "lost order",
      "an acknowledged order is not in the ledger",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        world.orders = [];
        world.requests.clear();
        world.heldEvents = [];
      },
    ],
    [
      "sold twice",
      "a key has two orders",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        world.sell("a");
      },
    ],
    [
      "sold twice",
      "two requests without keys were given the same order",
      (world) => {
        const sold = world.sell(nodeMade("1"));
        world.tell(sold);
        world.tell(sold);
      },
    ],
    [
      "sold twice",
      "two keys were given the same order",
      (world) => {
        const sold = world.sell("a");
        world.tell(sold, { key: "a" });
        world.tell(sold, { key: "b" });
      },
    ],
    [
      "refused yet sold",
      "the only request of a key was refused",
      (world) => {
        world.sell("a");
        world.tell(busy, { key: "a" });
      },
    ],
    [
      "refused yet sold",
      "every request of a key was refused",
      (world) => {
        world.sell("a");
        world.tell(busy, { key: "a" });
        world.tell(soldOut, { key: "a" });
      },
    ],
    ["order from nowhere", "a key that nobody used", (world) => void world.sell("stranger")],
    [
      "order from nowhere",
      "a refused request without a key was sold",
      (world) => {
        world.sell(nodeMade("1"));
        world.tell(busy);
      },
    ],
    [
      "order from nowhere",
      "two orders for one open request without a key",
      (world) => {
        world.sell(nodeMade("1"));
        world.sell(nodeMade("2"));
        world.tell(lost);
      },
    ],
    [
      "wrong order",
      "another quantity than was asked for with the key",
      (world) => world.tell(world.sell("a", 2), { key: "a", quantity: 1 }),
    ],
    [
      "wrong order",
      "another quantity than was asked for without a key",
      (world) => world.tell(world.sell(nodeMade("1"), 2), { quantity: 1 }),
    ],
    [
      "wrong order",
      "another buyer than the one who asked",
      (world) => world.tell(world.sell("a", 1, "eve"), { key: "a", buyer: "ann" }),
    ],
    [
      "wrong order",
      "another serial than the ledger's was answered",
      (world) => world.tell({ ...world.sell("a"), serial: 9 } as Completion, { key: "a" }),
    ],
    [
      "wrong order",
      "a request was given the order of another key",
      (world) => world.tell(world.sell("a"), { key: "b" }),
    ],
    [
      "broken books",
      "a serial was given twice",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        world.tell(world.sell("b"), { key: "b" });
        world.orders = world.orders.map((record) => ({ ...record, serial: 1 }));
      },
    ],
    [
      "broken books",
      "an order without its event",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        world.heldEvents = [];
      },
    ],
    [
      "broken books",
      "an order with two events",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        world.heldEvents = world.heldEvents.concat(world.heldEvents);
      },
    ],
    ["broken books", "an event without its order", (world) => world.heldEvents.push("rush.9.x")],
    [
      "broken books",
      "a key with an order that does not exist",
      (world) => void world.requests.set("a", "rush.9.x"),
    ],
    [
      "wrong request status",
      "a sold key was said to have no order",
      (world) => {
        world.sell("a");
        world.tell(undecided("a"), { key: "a" });
        world.history.requestStatuses.push({ key: "a", order: null });
      },
    ],
    [
      "wrong request status",
      "a key was said to have an order that it has not",
      (world) => {
        world.tell(undecided("a"), { key: "a" });
        world.history.requestStatuses.push({ key: "a", order: "rush.1.x" });
      },
    ],
  ];
  const four = { key: "a", quantity: 4 };
  for (const [kind, name, build] of worlds) {
    test(`${kind}: ${name}`, () => {
      const world = new World();
      build(world);
      expect(world.found()).toContain(kind);
    });
  }
});
