import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { LocalStock } from "../../src/sale/local-stock.ts";

/** The largest quantity that the property asks for at once. */
const quantityMost = 5;

type Step =
  | { readonly kind: "admit"; readonly quantity: number }
  | { readonly kind: "decide"; readonly sold: boolean }
  | { readonly kind: "heartbeat"; readonly livingWeight: number }
  | { readonly kind: "elsewhere"; readonly quantity: number }
  | { readonly kind: "back"; readonly quantity: number }
  | { readonly kind: "stale" }
  | { readonly kind: "reconnect" };

const quantity = fc.integer({ min: 1, max: quantityMost });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("admit" as const), quantity }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("decide" as const), sold: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("heartbeat" as const),
      livingWeight: fc.integer({ min: 0, max: 20 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("elsewhere" as const), quantity }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("back" as const), quantity }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stale" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const) }) },
);

/** The ledger as this node could see it, and the node's local stock, driven side by side. */
class World {
  readonly stock: LocalStock;
  readonly asked: number[] = [];
  readonly weight: number;
  readonly buffer: number;
  left: number;
  epoch = 7;
  livingWeight: number;
  /** What stock, outstanding and sold tickets must add up to since the newest observation. */
  granted: number | null = null;
  soldSince = 0;
  seen: { left: number; epoch: number }[] = [];

  constructor(left: number, weight: number, buffer: number) {
    this.left = left;
    this.weight = weight;
    this.buffer = buffer;
    this.livingWeight = weight;
    this.stock = new LocalStock(weight, buffer);
  }

  observe(): void {
    const wasLatched = this.stock.latched;
    this.stock.observe({ left: this.left, epoch: this.epoch });
    this.seen.push({ left: this.left, epoch: this.epoch });
    if (wasLatched && this.stock.latched) {
      return;
    }
    this.soldSince = 0;
    const share = Math.ceil((this.left * this.weight) / this.livingWeight) + this.buffer;
    this.granted = this.left === 0 ? null : share;
  }

  run(event: Step): void {
    switch (event.kind) {
      case "admit":
        if (this.stock.admit(event.quantity)) {
          this.asked.push(event.quantity);
        }
        break;
      case "decide":
        this.#decide(event.sold);
        break;
      case "heartbeat":
        this.livingWeight = Math.max(event.livingWeight, this.weight);
        this.stock.observeLivingWeight(event.livingWeight);
        this.observe();
        break;
      case "elsewhere":
        this.left = Math.max(0, this.left - event.quantity);
        break;
      case "back":
        this.epoch += this.left === 0 ? 1 : 0;
        this.left += event.quantity;
        break;
      case "stale":
        // An observation made earlier on this connection never changes what is known since.
        this.#repeatOldObservation();
        break;
      case "reconnect":
        this.stock.forget();
        this.seen = [];
        this.granted = null;
        this.livingWeight = this.weight;
        break;
    }
  }

  #decide(wanted: boolean): void {
    const tickets = this.asked.shift();
    if (tickets === undefined) {
      return;
    }
    const sold = wanted && tickets <= this.left;
    this.left -= sold ? tickets : 0;
    this.stock.settle(tickets, sold);
    this.soldSince += sold ? tickets : 0;
    this.#check();
    this.observe();
  }

  #repeatOldObservation(): void {
    const newest = this.seen.at(-1);
    const old = this.seen.find((seen) => newest !== undefined && seen.epoch < newest.epoch);
    if (old !== undefined) {
      const before = [this.stock.stock, this.stock.outstanding, this.stock.latched];
      this.stock.observe(old);
      expect([this.stock.stock, this.stock.outstanding, this.stock.latched]).toEqual(before);
    }
  }

  check(): void {
    this.#check();
    const { stock } = this;
    expect(stock.outstanding).toBe(this.asked.reduce((sum, tickets) => sum + tickets, 0));
    // Latched is only ever said of an epoch in which nothing was left; later stock raises it.
    if (stock.latched && this.left > 0) {
      expect(this.epoch).toBeGreaterThan(this.seen.at(-1)?.epoch ?? this.epoch);
    }
    expect(stock.stock).toBeGreaterThan(-this.buffer - 1_000);
  }

  #check(): void {
    if (this.granted !== null) {
      const { stock, outstanding } = this.stock;
      expect(stock + outstanding + this.soldSince).toBe(this.granted);
    }
  }
}

const world = fc.record({
  left: fc.integer({ min: 0, max: 60 }),
  weight: fc.integer({ min: 1, max: 10 }),
  buffer: fc.integer({ min: 0, max: 20 }),
});

describe("local stock", () => {
  test("tickets are conserved and the latch never lies, in any order of events", () => {
    fc.assert(
      fc.property(world, fc.array(step, { maxLength: 120 }), ({ left, weight, buffer }, steps) => {
        const run = new World(left, weight, buffer);
        for (const event of steps) {
          run.run(event);
          run.check();
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a crowd that keeps asking gets every ticket, and then the latch closes", () => {
    fc.assert(
      fc.property(world, quantity, ({ left, weight, buffer }, livingWeight) => {
        const run = new World(left, weight, buffer);
        // Every refresh lets at least one ticket through, so `left` refreshes are enough.
        for (let refresh = 0; refresh <= left; refresh += 1) {
          run.run({ kind: "heartbeat", livingWeight });
          while (run.stock.admit(1)) {
            run.asked.push(1);
          }
          while (run.asked.length > 0) {
            run.run({ kind: "decide", sold: true });
          }
        }
        expect(run.left).toBe(0);
        expect(run.stock.latched).toBe(true);
        expect(run.stock.admit(1)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("between two observations no more is asked for than share, buffer and one request", () => {
    fc.assert(
      fc.property(world, fc.array(quantity, { maxLength: 200 }), (given, quantities) => {
        const run = new World(given.left, given.weight, given.buffer);
        run.run({ kind: "heartbeat", livingWeight: 20 });
        const most = Math.ceil((given.left * given.weight) / 20) + given.buffer + quantityMost - 1;
        const admitted = quantities.filter((tickets) => run.stock.admit(tickets));
        const asked = admitted.reduce((sum, tickets) => sum + tickets, 0);
        expect(asked).toBeLessThanOrEqual(given.left === 0 ? 0 : most);
      }),
    );
  });

  test("stock that comes back in a new epoch opens the latch", () => {
    const stock = new LocalStock(1, 0);
    stock.observe({ left: 0, epoch: 3 });
    stock.observe({ left: 5, epoch: 3 });
    expect(stock.latched).toBe(true);
    stock.observe({ left: 5, epoch: 4 });
    expect(stock.latched).toBe(false);
    expect(stock.admit(1)).toBe(true);
  });

  test("a ledger that went back in time is believed after a reconnect", () => {
    const stock = new LocalStock(1, 0);
    stock.observe({ left: 0, epoch: 9 });
    stock.forget();
    expect(stock.latched).toBe(false);
    stock.observe({ left: 2, epoch: 8 });
    expect(stock.admit(2)).toBe(true);
  });

  test("a request larger than the share is not starved", () => {
    const stock = new LocalStock(1, 0);
    stock.observeLivingWeight(10);
    stock.observe({ left: 10, epoch: 1 });
    expect(stock.stock).toBe(1);
    expect(stock.admit(8)).toBe(true);
    expect(stock.admit(1)).toBe(false);
  });

  test("nonsense is refused with its value", () => {
    expect(() => new LocalStock(0, 1)).toThrow("weight");
    expect(() => new LocalStock(1, -1)).toThrow("buffer");
    expect(() => new LocalStock(1, 0).settle(1, true)).toThrow("0 are asked for");
  });
});
