import { changedKey, nodesKey, saleKeys } from "../../../src/ledger/keys.ts";
import type { Script } from "../../../src/ledger/script.ts";
import { scripts } from "../../../src/ledger/scripts.ts";
import { holdKeys } from "./sale-scripts.ts";

export interface Call {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly unknown[];
}

const k = saleKeys("tickets");
const b = saleKeys("another");
const requests = '["new","ann",1,"0123456789abcdef","k1","ann",1,"0123456789abcdef"]';

/**
 * A call of each script that writes: all of them would succeed, and write, on a sale `tickets`
 * that is open, has tickets left and has sold to the request key `k1`.
 */
export const writingCalls = {
  create: {
    script: scripts.create,
    keys: [b.stock, b.events, changedKey],
    args: ["op", 5, 0, 1000, 0],
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
    keys: [k.stock, k.requests, k.orders],
    args: [1, '["k1"]'],
  },
  hold: {
    script: scripts.hold,
    keys: holdKeys("tickets"),
    args: ["node1#a", 1, 1, requests],
  },
} as const satisfies Record<string, Call>;

export type WritingName = keyof typeof writingCalls;
export const writingNames: readonly WritingName[] = [
  "create",
  "set-state",
  "restock",
  "heartbeat",
  "lookup",
  "hold",
];
