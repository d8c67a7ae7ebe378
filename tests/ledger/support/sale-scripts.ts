import type { Redis } from "ioredis";

import { changedKey, nodesKey, saleKeys } from "../../../src/ledger/keys.ts";
import type { Script } from "../../../src/ledger/script.ts";
import { scripts } from "../../../src/ledger/scripts.ts";
import { listOf, numberOf, resultOf, textOf } from "./shapes.ts";

/** One request of a batch: request key, buyer, quantity. */
export type Ask = readonly [key: string, buyer?: string, quantity?: number];

export interface HoldOptions {
  readonly instance?: string;
  readonly generation?: number;
  readonly fence?: 0 | 1;
}

export interface HoldAnswer {
  readonly status: number;
  readonly left: number;
  readonly epoch: number;
  readonly state: string;
  readonly limit: number;
  readonly opensAtMs: number;
  readonly payByMs: number;
  readonly results: readonly (number | string)[];
}

/** The scripts of one sale, called as they are, with nothing between them and the test. */
export class SaleScripts {
  readonly client: Redis;
  readonly sale: string;
  readonly keys: ReturnType<typeof saleKeys>;

  constructor(client: Redis, sale = "tickets") {
    this.client = client;
    this.sale = sale;
    this.keys = saleKeys(sale);
  }

  /** Any script with any arguments, right or wrong. Rejects with what Redis says. */
  async run(script: Script, keys: readonly string[], args: readonly unknown[]): Promise<unknown> {
    const texts = args.map(String);
    try {
      return await this.client.evalsha(script.sha1, keys.length, ...keys, ...texts);
    } catch (error) {
      if (!String(error).includes("NOSCRIPT")) {
        throw error;
      }
      return this.client.eval(script.source, keys.length, ...keys, ...texts);
    }
  }

  async create(sale: Partial<typeof newSale> = {}, operation = "create-1"): Promise<number> {
    const { total, limit, holdMs, opensAtMs } = { ...newSale, ...sale };
    const { stock, events } = this.keys;
    const args = [operation, total, limit, holdMs, opensAtMs];
    return numberOf(await this.run(scripts.create, [stock, events, changedKey], args));
  }

  async setState(state: string): Promise<number> {
    const { stock, events } = this.keys;
    return numberOf(await this.run(scripts.setState, [stock, events, changedKey], [state]));
  }

  async restock(operation: string, quantity: number): Promise<number> {
    const { stock, operations, events } = this.keys;
    const keys = [stock, operations, events, changedKey];
    return numberOf(await this.run(scripts.restock, keys, [operation, quantity]));
  }

  /** All arguments of hold.lua but the requests spelled out, for tests that break them. */
  async holdRaw(requests: string, options: HoldOptions = {}): Promise<HoldAnswer> {
    const { instance = "node1#a", generation = 1, fence = 0 } = options;
    const args = [instance, generation, fence, requests];
    const raw = await this.run(scripts.hold, holdKeys(this.sale), args);
    const [status, left, epoch, state, limit, opensAtMs, payByMs, results] = listOf(raw, String);
    return {
      status: numberOf(status),
      left: numberOf(left),
      epoch: numberOf(epoch),
      state: textOf(state),
      limit: numberOf(limit),
      opensAtMs: numberOf(opensAtMs),
      payByMs: numberOf(payByMs),
      results: listOf(JSON.parse(textOf(results)), resultOf),
    };
  }

  hold(asks: readonly Ask[], options: HoldOptions = {}): Promise<HoldAnswer> {
    const requests = asks.flatMap(([key, buyer = "", quantity = 1]) => [
      key,
      buyer,
      quantity,
      tokenOf(key),
    ]);
    return this.holdRaw(JSON.stringify(requests), options);
  }

  async lookup(keys: readonly string[], fence: 0 | 1 = 0): Promise<LookupAnswer> {
    const { stock, requests, orders } = this.keys;
    const args = [fence, JSON.stringify(keys)];
    const raw = await this.run(scripts.lookup, [stock, requests, orders], args);
    const [status, results] = listOf(raw, String);
    return { status: numberOf(status), results: listOf(JSON.parse(textOf(results)), resultOf) };
  }

  /** As heartbeat.lua returns it, numbers as text. */
  async heartbeat(beat: Partial<typeof usualBeat> = {}): Promise<string[]> {
    const { instance, weight, generation, livingMs, forgetMs, release } = { ...usualBeat, ...beat };
    const args = [instance, weight, generation, livingMs, forgetMs, release];
    return listOf(await this.run(scripts.heartbeat, [nodesKey, changedKey], args), String);
  }

  /** As read.lua returns it, numbers as text. */
  async read(): Promise<string[]> {
    return listOf(await this.run(scripts.read, [this.keys.stock], []), String);
  }

  /** The id of the order that a request sold as `serial` gets. */
  orderOf(key: string, serial: number): string {
    return `${this.sale}.${serial}.${tokenOf(key)}`;
  }

  /** The record that the ledger keeps of the order of `key`, which must exist. */
  async recordOf(key: string): Promise<string> {
    const serial = textOf(await this.client.hget(this.keys.requests, key));
    return textOf(await this.client.hget(this.keys.orders, serial));
  }

  /** The ledger's clock. */
  async nowMs(): Promise<number> {
    const [seconds, microseconds] = await this.client.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }
}

export interface LookupAnswer {
  readonly status: number;
  /** `noOrder` where the key has none. */
  readonly results: readonly (number | string)[];
}

const newSale = { total: 10, limit: 0, holdMs: 60_000, opensAtMs: 0 };

/** Every beat is young enough to live unless a test says otherwise. */
const usualBeat = {
  instance: "node1#a",
  weight: 1,
  generation: 1,
  livingMs: 1e14,
  forgetMs: 1e15,
  release: "source",
};

/** KEYS of hold.lua, in its order. */
export function holdKeys(sale: string): string[] {
  const k = saleKeys(sale);
  return [k.stock, k.requests, k.orders, k.buyers, k.deadlines, k.events, nodesKey];
}

/** The same 16 hex digits for the same key, so that tests can tell orders. */
export function tokenOf(key: string): string {
  return Bun.hash(key).toString(16).padStart(16, "0");
}
