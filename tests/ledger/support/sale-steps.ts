import fc from "fast-check";

import type { Ask } from "./sale-scripts.ts";

/** One thing that happens to a sale. Plain data, so that fast-check can shrink a failure. */
export type Step =
  | { readonly kind: "batch"; readonly how: How; readonly asks: readonly Ask[] }
  /** A thousand requests that nobody sent before. */
  | { readonly kind: "crowd"; readonly how: How }
  /** An earlier batch again, as it was: the same ref. */
  | { readonly kind: "again"; readonly how: How; readonly pick: number }
  /** Requests under the ref of an earlier batch: some of its own, and others. */
  | {
      readonly kind: "same ref";
      readonly how: How;
      readonly pick: number;
      readonly from: number;
      readonly more: readonly Ask[];
    }
  | { readonly kind: "restock"; readonly operation: string; readonly quantity: number }
  | { readonly kind: "state"; readonly state: string }
  | { readonly kind: "create"; readonly operation: string }
  | { readonly kind: "lookup"; readonly keys: readonly string[]; readonly fence: 0 | 1 }
  /** Of the orders of these keys; those with an odd `wrong` are named by another serial. */
  | {
      readonly kind: "confirm" | "cancel";
      readonly orders: readonly (readonly [key: string, wrong: number])[];
      readonly fence: 0 | 1;
    }
  /** By the ledger's time, and by that of a worker whose clock is early or right. */
  | { readonly kind: "lapse"; readonly early: boolean; readonly most: number };

/** How a batch is sent. */
export interface How {
  readonly instance: string;
  /** On the newest connection of the node (0), a newer (1) or an older one (-1). */
  readonly newer: -1 | 0 | 1;
  readonly fence: 0 | 1;
  readonly rightSecret: boolean;
  /** What it sells is to be paid at once, or not within the test. */
  readonly due: boolean;
}

const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`);
const key = fc.constantFrom(...keys);
const pick = fc.nat(1_000);
const fence = fc.constantFrom(0 as const, 1 as const);
const quantity = fc.integer({ min: 1, max: 4 });

function mostly<T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant(usual) },
    ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
  );
}

const ask: fc.Arbitrary<Ask> = fc.tuple(
  key,
  fc.constantFrom("", "ann", "bob", "cyd"),
  fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: quantity }),
);

/** No key twice: nodes merge those, and hold.lua refuses them. */
function asks(minLength: number, maxLength: number): fc.Arbitrary<Ask[]> {
  return fc.uniqueArray(ask, { minLength, maxLength, selector: ([its]) => its });
}

const how: fc.Arbitrary<How> = fc.record({
  instance: fc.constantFrom("node1#a", "node2#b"),
  newer: mostly<-1 | 0 | 1>(0, 1, -1),
  fence,
  rightSecret: mostly(true, false),
  due: fc.boolean(),
});

const orders = fc.array(fc.tuple(key, mostly(0, 1)), { minLength: 1, maxLength: 5 });

function step<Kind extends Step["kind"], Rest extends object>(
  kind: Kind,
  rest: { [Name in keyof Rest]: fc.Arbitrary<Rest[Name]> },
): fc.Arbitrary<{ kind: Kind } & Rest> {
  return fc.record(rest).map((its) => ({ kind, ...its }));
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: step("batch", { how, asks: asks(1, 1) }) },
  { weight: 4, arbitrary: step("batch", { how, asks: asks(3, 4) }) },
  { weight: 4, arbitrary: step("batch", { how, asks: asks(5, 9) }) },
  { weight: 1, arbitrary: step("crowd", { how }) },
  { weight: 4, arbitrary: step("again", { how, pick }) },
  { weight: 3, arbitrary: step("same ref", { how, pick, from: fc.nat(4), more: asks(0, 6) }) },
  {
    weight: 2,
    arbitrary: step("restock", { operation: fc.constantFrom("r1", "r2", "r3", "r4"), quantity }),
  },
  { weight: 2, arbitrary: step("state", { state: mostly("open", "paused", "closed") }) },
  { weight: 1, arbitrary: step("create", { operation: fc.constantFrom("c1", "c2") }) },
  {
    weight: 2,
    arbitrary: step("lookup", { keys: fc.array(key, { minLength: 1, maxLength: 5 }), fence }),
  },
  { weight: 5, arbitrary: step("confirm", { orders, fence }) },
  { weight: 5, arbitrary: step("cancel", { orders, fence }) },
  {
    weight: 4,
    arbitrary: step("lapse", { early: mostly(false, true), most: fc.constantFrom(1, 5, 1_000) }),
  },
);

/** A sale that opens early in most runs, mostly a small one, and what happens to it. */
export const saleRun = fc.record({
  total: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 900, max: 2_100 }) },
  ),
  limit: fc.constantFrom(0, 0, 1, 2, 5),
  opened: mostly(true, false),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 30, size: "max" }),
});
