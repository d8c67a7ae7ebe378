import {
  changedKey,
  formatKey,
  ledgerFormat,
  nodesKey,
  saleKeys,
} from "../../../src/ledger/keys.ts";
import type { Script } from "../../../src/ledger/script.ts";
import { scripts } from "../../../src/ledger/scripts.ts";
import { secretId } from "../../../src/sale/tokens.ts";
import { type Ask, holdKeys, pairsOf, testSecret, tokenOf } from "./sale-scripts.ts";

export interface Call {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly unknown[];
}

const k = saleKeys("tickets");
const b = saleKeys("another");
const id = secretId(testSecret);
const asks: readonly Ask[] = [["k1", "ann"], ["new"], ["n2"], ["n3"], ["n4"]];
const definition = [5, 0, 1000, 0];

/**
 * A call of each script that writes: all of them would succeed, and write, on a sale `tickets`
 * that is open, has tickets left and has sold the first order of its one batch to `k1`.
 */
export const writingCalls = {
  create: {
    script: scripts.create,
    keys: [b.stock, b.secret, b.events, changedKey, formatKey],
    args: ["op", ...definition, testSecret, id, ledgerFormat],
  },
  "set-state": {
    script: scripts.setState,
    keys: [k.stock, k.events, changedKey],
    args: ["paused"],
  },
  restock: {
    script: scripts.restock,
    keys: [k.stock, k.operations, k.events, changedKey],
    args: ["op", 5],
  },
  heartbeat: {
    script: scripts.heartbeat,
    keys: [nodesKey, changedKey],
    args: ["node1#a", 1, 1, 1_000, 60_000, "source"],
  },
  lookup: {
    script: scripts.lookup,
    keys: [k.stock, k.orders, k.batches],
    args: [1, id, tokenOf("k1")],
  },
  hold: {
    script: scripts.hold,
    keys: holdKeys("tickets"),
    args: ["node1#a", 1, 1, id, "ref.1", ...pairsOf(asks, "ref.1")],
  },
  confirm: {
    script: scripts.confirm,
    keys: [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events],
    args: [1, JSON.stringify([1, tokenOf("k1")])],
  },
  release: {
    script: scripts.release,
    keys: [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, changedKey],
    args: ["cancelled", 1, JSON.stringify([1, tokenOf("k1")])],
  },
} as const satisfies Record<string, Call>;

export type WritingName = keyof typeof writingCalls;
export const writingNames = Object.keys(writingCalls) as WritingName[];
