import { afterEach, setDefaultTimeout } from "bun:test";

import { Connection } from "../../../src/ledger/connection.ts";
import type {
  Durability,
  HoldBatch,
  HoldReply,
  HoldRequest,
  LookupReply,
  Reply,
} from "../../../src/ledger/ledger.ts";
import { RedisLedger } from "../../../src/ledger/redis-ledger.ts";
import { requestHash, secretId } from "../../../src/sale/tokens.ts";
import { until } from "../../support/until.ts";
import { testSecret, tokenOf } from "./sale-scripts.ts";

export interface RigOptions {
  readonly url: string;
  readonly durability?: Durability;
  readonly replyTimeoutMs?: number;
  readonly readyTimeoutMs?: number;
  readonly durabilityTimeoutMs?: number;
}

const connectionName = "sluice-test";
/** Far more than a reply takes, so that only a server that is stopped runs into it. */
const replyTimeoutMs = 2_000;

/** A ledger as a node has it, on a connection of its own, that notes down what happens to it. */
export class LedgerRig {
  readonly connection: Connection;
  readonly ledger: RedisLedger;
  readonly faults: string[] = [];
  /** Every change of `ready`, oldest first. */
  readonly changes: boolean[] = [];
  readonly roundTrips: string[] = [];

  constructor(options: RigOptions) {
    this.connection = new Connection({
      url: options.url,
      name: connectionName,
      connectTimeoutMs: 1_000,
      readyTimeoutMs: options.readyTimeoutMs ?? 10_000,
      retryMinMs: 5,
      retryMaxMs: 50,
      onFault: (fault) => this.faults.push(fault.message),
    });
    this.ledger = new RedisLedger(this.connection, {
      instance: "node1#a",
      durability: options.durability ?? "memory",
      replyTimeoutMs: options.replyTimeoutMs ?? replyTimeoutMs,
      durabilityTimeoutMs: options.durabilityTimeoutMs ?? 250,
      livingMs: 1_000,
      forgetMs: 60_000,
      onRoundTrip: (script) => this.roundTrips.push(script),
    });
    this.ledger.onConnection((ready) => this.changes.push(ready));
    this.connection.open();
  }

  get generation(): number {
    return this.connection.live?.generation ?? 0;
  }

  /** Waits for a connection newer than `after`, and returns its generation. */
  async untilReady(after = 0): Promise<number> {
    await until("the ledger is ready", () => this.ledger.ready && this.generation > after);
    return this.generation;
  }

  /** Buys one ticket for each key, in one batch. */
  buy(...keys: readonly string[]): Promise<Reply<HoldReply | null>> {
    return this.send(batchOf(keys));
  }

  /** Sends a batch, for the first time or again. */
  send(batch: HoldBatch): Promise<Reply<HoldReply | null>> {
    return this.ledger.hold("tickets", batch);
  }

  lookup(...keys: readonly string[]): Promise<Reply<LookupReply | null>> {
    return this.ledger.lookup("tickets", secretId(testSecret), keys.map(tokenOf));
  }
}

let batches = 0;

/** One ticket for each key, in a batch of its own ref. */
export function batchOf(keys: readonly string[]): HoldBatch {
  batches += 1;
  const requests = keys.map((key): HoldRequest => ({
    token: tokenOf(key),
    buyer: "",
    quantity: 1,
    hash: requestHash("", key),
  }));
  return { ref: `rig.${batches}`, secretId: secretId(testSecret), requests };
}

/** Longer than the deadlines of all that a test waits for: those say what was waited for. */
export const testTimeoutMs = 60_000;

const rigs: LedgerRig[] = [];

/** A rig that is closed after the test, and ready unless told otherwise. */
export async function rigged(options: RigOptions, ready = true): Promise<LedgerRig> {
  const rig = new LedgerRig(options);
  rigs.push(rig);
  if (ready) {
    await rig.untilReady();
  }
  return rig;
}

/** To be called once in each test file that uses `rigged`. */
export function closeRigs(): void {
  setDefaultTimeout(testTimeoutMs);
  afterEach(async () => {
    await Promise.all(rigs.splice(0).map((rig) => rig.ledger.close()));
  });
}

/** Ids of the rigs' connections, by the server's own list. */
export async function rigClients(client: LedgerClient): Promise<string[]> {
  const list = String(await client.client("LIST"));
  return list
    .split("\n")
    .filter((line) => line.includes(` name=${connectionName} `))
    .map((line) => /^id=(\d+)/.exec(line)?.[1] ?? line);
}

type LedgerClient = NonNullable<Connection["live"]>["client"];

/** Cuts the rigs' connections, as a firewall or an operator would. */
export async function cutRigs(client: LedgerClient): Promise<void> {
  for (const id of await rigClients(client)) {
    await client.client("KILL", "ID", id);
  }
}
