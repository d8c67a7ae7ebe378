import type { Redis } from "ioredis";

import {
  changedKey,
  formatKey,
  ledgerFormat,
  nodesKey,
  saleKeys,
} from "../../../src/ledger/keys.ts";
import { readRecords } from "../../../src/ledger/records.ts";
import type { Script } from "../../../src/ledger/script.ts";
import { scripts } from "../../../src/ledger/scripts.ts";
import { encodeFullRecord, encodeShortRecord, type OrderRecord } from "../../../src/sale/order.ts";
import { requestHash, secretId } from "../../../src/sale/tokens.ts";
import { listOf, numberOf, resultOf, textOf } from "./shapes.ts";

/** One request of a batch: request key, buyer, quantity. */
export type Ask = readonly [key: string, buyer?: string, quantity?: number];

export interface HoldOptions {
  /** Of the batch; a new one without. */
  readonly ref?: string;
  readonly secretId?: string;
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
  /** One a request: serial of a new order, record of one that was there, or why there is none. */
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
    const { stock, secret, events } = this.keys;
    const args = [operation, total, limit, holdMs, opensAtMs, testSecret, secretId(testSecret)];
    await this.client.set(formatKey, ledgerFormat, "NX");
    const keys = [stock, secret, events, changedKey, formatKey];
    return numberOf(await this.run(scripts.create, keys, [...args, ledgerFormat]));
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

  /** Tokens and records spelled out, for tests that break them. */
  async holdRaw(pairs: readonly string[], options: HoldOptions = {}): Promise<HoldAnswer> {
    const { instance = "node1#a", generation = 1, fence = 0, ref = this.newRef() } = options;
    const args = [instance, generation, fence, options.secretId ?? secretId(testSecret), ref];
    const raw = await this.run(scripts.hold, holdKeys(this.sale), [...args, ...pairs]);
    const [status, left, epoch, state, limit, opensAtMs, payByMs, first, rest] = listOf(
      raw,
      String,
    );
    const results = pairs
      .slice(0, numberOf(status) === 0 ? pairs.length / 2 : 0)
      .map((_, place): number | string => numberOf(first) + place);
    const others = listOf(JSON.parse(textOf(rest)), resultOf);
    for (let i = 0; i < others.length; i += 2) {
      results[numberOf(others[i])] = others[i + 1] ?? "";
    }
    return {
      status: numberOf(status),
      left: numberOf(left),
      epoch: numberOf(epoch),
      state: textOf(state),
      limit: numberOf(limit),
      opensAtMs: numberOf(opensAtMs),
      payByMs: numberOf(payByMs),
      results,
    };
  }

  hold(asks: readonly Ask[], options: HoldOptions = {}): Promise<HoldAnswer> {
    const ref = options.ref ?? this.newRef();
    return this.holdRaw(pairsOf(asks, ref), { ...options, ref });
  }

  /** A ref that no batch had before. */
  newRef(): string {
    refs += 1;
    return `test.${refs}`;
  }

  async lookup(keys: readonly string[], fence: 0 | 1 = 0): Promise<LookupAnswer> {
    const { stock, orders, batches } = this.keys;
    const args = [fence, secretId(testSecret), ...keys.map(tokenOf)];
    const raw = await this.run(scripts.lookup, [stock, orders, batches], args);
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

  /** The record of the order of `key`, which must exist, in its full form. */
  async recordOf(key: string): Promise<string> {
    const record = (await this.ordersOf([key]))[0];
    if (record === null || record === undefined) {
      throw new Error(`the ledger has no order of ${key}`);
    }
    return encodeFullRecord(record);
  }

  /** The order of each key, or null, as they are at one moment. */
  async ordersOf(keys: readonly string[]): Promise<(OrderRecord | null)[]> {
    const tokens = keys.map(tokenOf);
    const { orders, batches } = this.keys;
    const replies = await this.client
      .multi()
      .hmget(orders, ...tokens)
      .hgetall(batches)
      .exec();
    const [texts, rows] = (replies ?? []).map(([, reply]) => reply) as [
      (string | null)[],
      Record<string, string>,
    ];
    const found = tokens.flatMap((token, i) => {
      const text = texts[i];
      return typeof text === "string" ? [[token, text] as const] : [];
    });
    const records = readRecords(new Map(found), new Map(Object.entries(rows)));
    return tokens.map((token) => records.get(token) ?? null);
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
  return [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, nodesKey];
}

/** Of every sale that a test creates by its scripts. */
export const testSecret = "s".repeat(43);

let refs = 0;

/** Token and record of each request, as a node sends them. */
export function pairsOf(asks: readonly Ask[], ref: string): string[] {
  return asks.flatMap(([key, buyer = "", quantity = 1], place) => [
    tokenOf(key),
    encodeShortRecord(place, quantity, buyer, ref, requestHash(buyer, key)),
  ]);
}

/** The same 22 characters for the same key, so that tests can tell orders. */
export function tokenOf(key: string): string {
  return Bun.SHA1.hash(key, "base64url").slice(0, 22);
}
