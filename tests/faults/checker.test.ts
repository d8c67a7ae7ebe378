import { describe, expect, test } from "bun:test";

import { orderId } from "../../src/sale/order.ts";
import { requestHash, TokenMaker } from "../../src/sale/tokens.ts";
import { check, type ViolationKind } from "./support/checker.ts";
import type { FinalBooks, FinalOrder } from "./support/final-books.ts";
import { type Completion, History, type Invocation } from "./support/history.ts";

const nodeMade = (digit: string) => digit.repeat(32);
const maker = new TokenMaker("rush", "s".repeat(43));
const tokenOf = (buyer: string, key: string) => maker.token(buyer, key);

/** A world in which everything is right; tests plant one fault each. */
class World {
  readonly history = new History();
  total = 3;
  held: number | null = null;
  orders: FinalOrder[] = [];
  heldEvents: string[] = [];
  #serial = 0;

  /** The ledger sells, and leaves gaps between serials. */
  sell(key: string, quantity = 1, buyer = ""): Completion {
    this.#serial += 2;
    const token = tokenOf(buyer, key);
    const serial = this.#serial;
    const order = orderId("rush", { serial, token });
    const hash = requestHash(buyer, key);
    this.orders = this.orders.filter((record) => record.token !== token);
    this.orders.push({ order, token, state: "held", serial, quantity, buyer, hash });
    this.heldEvents.push(order);
    return { kind: "ok", order, serial, quantity };
  }

  /** A client is told something. */
  tell(completion: Completion, invocation: Partial<Invocation> = {}): void {
    this.history.add({ key: null, buyer: "", quantity: 1, ...invocation }, completion);
  }

  get books(): FinalBooks {
    const { total, orders, heldEvents } = this;
    const held = this.held ?? orders.reduce((sum, { quantity }) => sum + quantity, 0);
    return { total, held, paid: 0, orders, heldEvents, tokenOf };
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
    [
      "two buyers use the same key, and a third asks in vain what became of it",
      (world) => {
        world.tell(world.sell("a", 1, "ann"), { key: "a", buyer: "ann" });
        world.sell("a", 1, "bob");
        world.tell(undecided("a"), { key: "a", buyer: "bob" });
        const order = world.orders[1]?.order as string;
        world.history.requestStatuses.push({ buyer: "bob", key: "a", order });
        world.history.requestStatuses.push({ buyer: "eve", key: "a", order: null });
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
        world.heldEvents = [];
      },
    ],
    [
      "sold twice",
      "a request has two orders, of which the second replaced the first",
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
      (world) => {
        world.tell(world.sell("a", 1, "ann"), { key: "a", buyer: "ann" });
        world.orders = world.orders.map((record) => ({ ...record, buyer: "eve" }));
      },
    ],
    [
      "wrong order",
      "another buyer than the one who asked without a key",
      (world) => world.tell(world.sell(nodeMade("1"), 1, "eve"), { buyer: "ann" }),
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
    [
      "broken books",
      "an event without its order",
      (world) => world.heldEvents.push(orderId("rush", { serial: 9, token: tokenOf("", "x") })),
    ],
    [
      "wrong order",
      "the hash of another request",
      (world) => {
        world.tell(world.sell("a"), { key: "a" });
        const hash = requestHash("", "b");
        world.orders = world.orders.map((record) => ({ ...record, hash }));
      },
    ],
    [
      "wrong order",
      "a request was given the order of another buyer's same key",
      (world) => world.tell(world.sell("a", 1, "ann"), { key: "a", buyer: "bob" }),
    ],
    [
      "sold twice",
      "two buyers with the same key were given the same order",
      (world) => {
        const sold = world.sell("a", 1, "ann");
        world.tell(sold, { key: "a", buyer: "ann" });
        world.tell(sold, { key: "a", buyer: "bob" });
      },
    ],
    [
      "order from nowhere",
      "for another buyer than the one whose request is open",
      (world) => {
        world.sell(nodeMade("1"), 1, "ann");
        world.tell(lost, { buyer: "bob" });
      },
    ],
    [
      "wrong request status",
      "a sold key was said to have no order",
      (world) => {
        world.sell("a");
        world.tell(undecided("a"), { key: "a" });
        world.history.requestStatuses.push({ buyer: "", key: "a", order: null });
      },
    ],
    [
      "wrong request status",
      "a key was said to have an order that it has not",
      (world) => {
        world.tell(undecided("a"), { key: "a" });
        world.history.requestStatuses.push({ buyer: "", key: "a", order: "rush.1.x" });
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
