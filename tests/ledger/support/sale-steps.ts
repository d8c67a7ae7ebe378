import fc from "fast-check";

import type { Ask } from "./sale-scripts.ts";

/** One thing that happens to a sale. Plain data, so that fast-check can shrink a failure. */
export type Step =
  | {
      readonly kind: "batch";
      readonly sender: Sender;
      readonly fence: 0 | 1;
      readonly asks: readonly Ask[];
    }
  /** An earlier batch again, from its item `from` on, with `more` behind it. */
  | {
      readonly kind: "replay";
      readonly sender: Sender;
      readonly fence: 0 | 1;
      readonly pick: number;
      readonly from: number;
      readonly more: readonly Ask[];
    }
  | { readonly kind: "restock"; readonly operation: string; readonly quantity: number }
  | { readonly kind: "state"; readonly state: string }
  | { readonly kind: "create"; readonly operation: string }
  | { readonly kind: "heartbeat"; readonly sender: Sender; readonly weight: number }
  | { readonly kind: "lookup"; readonly keys: readonly string[]; readonly fence: 0 | 1 }
  /** What confirm and release will do to one of the held orders. */
  | { readonly kind: "pay" | "release"; readonly pick: number };

/** A node, and whether it speaks on its newest connection (0), a newer (1) or an older one (-1). */
export interface Sender {
  readonly instance: string;
  readonly newer: -1 | 0 | 1;
}

const keys = Array.from({ length: 16 }, (_, i) => `key-${i}`);
const key = fc.constantFrom(...keys);
const pick = fc.nat(1_000);
const fence = fc.constantFrom(0 as const, 1 as const);
const quantity = fc.integer({ min: 1, max: 4 });

const ask: fc.Arbitrary<Ask> = fc.tuple(
  key,
  fc.constantFrom("", "ann", "bob", "cyd"),
  fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: quantity }),
);

const sender: fc.Arbitrary<Sender> = fc.record({
  instance: fc.constantFrom("node1#a", "node2#b", "node3#c"),
  newer: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0 as const) },
    { weight: 1, arbitrary: fc.constant(1 as const) },
    { weight: 1, arbitrary: fc.constant(-1 as const) },
  ),
});

const batch = fc.record({
  kind: fc.constant("batch" as const),
  sender,
  fence,
  asks: fc.array(ask, { minLength: 1, maxLength: 6 }),
});

const replay = fc.record({
  kind: fc.constant("replay" as const),
  sender,
  fence,
  pick,
  from: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) }),
  more: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(ask, { maxLength: 3 }) },
  ),
});

const state = fc.record({
  kind: fc.constant("state" as const),
  state: fc.oneof(
    { weight: 9, arbitrary: fc.constant("open") },
    { weight: 3, arbitrary: fc.constant("paused") },
    { weight: 1, arbitrary: fc.constant("closed") },
  ),
});

const restock = fc.record({
  kind: fc.constant("restock" as const),
  operation: fc.constantFrom("r1", "r2", "r3", "r4", "r5"),
  quantity,
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: batch },
  { weight: 6, arbitrary: replay },
  { weight: 3, arbitrary: restock },
  { weight: 2, arbitrary: state },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      operation: fc.constantFrom("c1", "c2"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("heartbeat" as const),
      sender,
      weight: fc.integer({ min: 0, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("lookup" as const),
      keys: fc.array(key, { minLength: 1, maxLength: 5 }),
      fence,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("pay" as const, "release" as const), pick }),
  },
);

/** A small sale that opens early in most runs, and what happens to it. */
export const saleRun = fc.record({
  total: fc.integer({ min: 1, max: 12 }),
  limit: fc.constantFrom(0, 0, 1, 2, 5),
  opened: fc.oneof(
    { weight: 5, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
});
