import type { Redis } from "ioredis";

import {
  changedKey,
  formatKey,
  ledgerFormat,
  type SaleKeys,
  saleKeys,
  salesKey,
} from "../../../src/ledger/keys.ts";
import {
  encodeFullRecord,
  encodeShortRecord,
  type OrderCause,
  type OrderRecord,
  transitions,
} from "../../../src/sale/order.ts";
import type { SaleEvent, SaleState } from "../../../src/sale/sale.ts";
import { makeSecret, requestHash, secretId, TokenMaker } from "../../../src/sale/tokens.ts";

/** Records in one entry. */
const entryMax = 1_000;

/**
 * A sale whose outbox, orders and batches are written by the test itself, in the form in which
 * scripts write them, so that workers are tested without these, and with what scripts never write.
 */
export class HandWrittenSale {
  readonly client: Redis;
  readonly sale: string;
  readonly keys: SaleKeys;
  readonly secret = makeSecret();
  /** By request key, the newest record of each order. */
  readonly orders = new Map<string, OrderRecord>();
  #serial = 0;
  #records = 0;
  #refs = 0;
  #revision = 0;
  readonly #tokens: TokenMaker;

  constructor(client: Redis, sale = "tickets") {
    this.client = client;
    this.sale = sale;
    this.keys = saleKeys(sale);
    this.#tokens = new TokenMaker(sale, this.secret);
  }

  /** A sale that is on sale, and listed where workers find it. */
  async open(total: number): Promise<void> {
    await this.client.set(formatKey, ledgerFormat);
    await this.client.set(this.keys.secret, this.secret);
    const counters = { held: 0, paid: 0, serial: 0, epoch: 0, records: 0 };
    await this.client.hset(this.keys.stock, { total, state: "open", ...counters });
    await this.define("created", "scheduled", total);
    await this.define("open", "open", total);
    await this.client.sadd(salesKey, this.sale);
    // By which workers learn that there is a new sale.
    await this.client.incrby(changedKey, Date.now());
  }

  /** An event of the sale itself. */
  async define(cause: SaleEvent, state: SaleState, total: number): Promise<string> {
    this.#revision += 1;
    const what = [this.#revision, Date.now(), cause, state, total];
    const text = [...what, 0, 600_000, 0, secretId(this.secret)].join("\t");
    return await this.add("n", String(this.#records), "sale", text);
  }

  /** Sells one ticket to each of so many keys, `PREFIX-1` and so on, in batches. */
  async sell(count: number, prefix = "k", batch = 100): Promise<string[]> {
    const keys = Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
    for (let at = 0; at < count; at += batch) {
      await this.#hold(keys.slice(at, at + batch));
    }
    return keys;
  }

  async #hold(keys: readonly string[]): Promise<void> {
    const ref = `hand.${(this.#refs += 1)}`;
    const first = this.#serial + 1;
    const heldAtMs = Date.now();
    const payByMs = heldAtMs + 600_000;
    const lines: string[] = [];
    for (const [place, key] of keys.entries()) {
      const buyer = `buyer of ${key}`;
      const record: OrderRecord = {
        token: this.#tokens.token(buyer, key),
        state: "held",
        serial: first + place,
        quantity: 1,
        heldAtMs,
        payByMs,
        buyer,
        revision: 1,
        changedAtMs: heldAtMs,
        cause: "held",
        hash: requestHash(buyer, key),
      };
      this.orders.set(key, record);
      lines.push(record.token, encodeShortRecord(place, 1, buyer, ref, record.hash));
    }
    this.#serial += keys.length;
    const id = await this.#addOrders([ref, first, heldAtMs, payByMs].join("\t"), lines);
    const row = [id, first, heldAtMs, payByMs, keys.length].join("\t");
    await this.client.hset(this.keys.batches, ref, row);
  }

  confirm(keys: readonly string[]): Promise<void> {
    return this.#change(keys, ["paid", "revived"]);
  }

  cancel(keys: readonly string[]): Promise<void> {
    return this.#change(keys, ["cancelled"]);
  }

  lapse(keys: readonly string[]): Promise<void> {
    return this.#change(keys, ["lapsed"]);
  }

  /** Changes those that may change for one of these causes, as the table of transitions has it. */
  async #change(keys: readonly string[], causes: readonly OrderCause[]): Promise<void> {
    const lines: string[] = [];
    for (const key of keys) {
      const order = this.recordOf(key);
      const next = transitions.find(
        ({ from, after, cause }) =>
          from === order.state && after === order.cause && causes.includes(cause),
      );
      if (next !== undefined) {
        const { to: state, cause } = next;
        const revision = order.revision + 1;
        const changed = { ...order, state, cause, revision, changedAtMs: Date.now() };
        this.orders.set(key, changed);
        lines.push(order.token, encodeFullRecord(changed));
      }
    }
    for (let at = 0; at < lines.length; at += 2 * entryMax) {
      await this.#addOrders("", lines.slice(at, at + 2 * entryMax));
    }
  }

  recordOf(key: string): OrderRecord {
    const record = this.orders.get(key);
    if (record === undefined) {
      throw new Error(`no order of key ${key} was sold`);
    }
    return record;
  }

  /** An entry of tokens and records by turns, right or wrong. */
  async #addOrders(head: string, lines: readonly string[]): Promise<string> {
    await this.client.hset(this.keys.orders, ...lines);
    return await this.addLines(head, lines);
  }

  /** The same without any order in the ledger. */
  async addLines(head: string, lines: readonly string[]): Promise<string> {
    this.#records += lines.length >> 1;
    await this.client.hset(this.keys.stock, "records", this.#records);
    const text = [head, ...lines].join("\n");
    return await this.add("n", String(this.#records), "orders", text);
  }

  /** An entry of any fields, right or wrong. Returns its id. */
  async add(...fields: readonly string[]): Promise<string> {
    return (await this.client.xadd(this.keys.events, "*", ...fields)) ?? "";
  }
}
