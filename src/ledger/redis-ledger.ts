import { type OrderRecord, parseOrderRecord } from "../sale/order.ts";
import type { SaleState } from "../sale/sale.ts";
import { callScript } from "./call-script.ts";
import type { Connection, LiveConnection } from "./connection.ts";
import { DurabilityWait } from "./durability-wait.ts";
import {
  decodeHoldResults,
  decodeLookupResults,
  decodeOrderChanges,
  type EncodedResult,
  encodeHoldRequests,
} from "./hold-codec.ts";
import { saleKeys } from "./keys.ts";
import type {
  ChangeReply,
  Durability,
  Heartbeat,
  HoldReply,
  HoldRequest,
  Ledger,
  LookupReply,
  OrderRef,
  Reply,
} from "./ledger.ts";
import { readSnapshot } from "./sale-fields.ts";
import { scriptStatus } from "./script-status.ts";
import type { Script } from "./script.ts";
import { scripts } from "./scripts.ts";
import { LedgerUnavailable } from "./unavailable.ts";

export interface RedisLedgerOptions {
  /** Names this process among all that ever ran: node name and something random. */
  readonly instance: string;
  readonly durability: Durability;
  /** A call without an answer for this long is unknown, and its connection is given up. */
  readonly replyTimeoutMs: number;
  /** How long WAIT or WAITAOF may take before "sold" becomes "undecided"; below replyTimeoutMs. */
  readonly durabilityTimeoutMs: number;
  /** A node lives while its last heartbeat is at most this old. */
  readonly livingMs: number;
  /** A silent node is forgotten after this; far beyond any delay of a command on its way. */
  readonly forgetMs: number;
  /** Called with the time from sending to answer of every script, in milliseconds. */
  readonly onRoundTrip: (script: string, durationMs: number) => void;
}

/**
 * Decodes a reply. What cannot be decoded is unknown, not an exception: one broken record in the
 * ledger must not end every node that comes across it. The reason names the sale; `audit` finds more.
 */
function tryDecode<T>(decode: () => T): Reply<T> {
  try {
    return { kind: "ok", value: decode() };
  } catch (error) {
    if (!(error instanceof Error)) {
      throw error;
    }
    return { kind: "unknown", reason: error.message };
  }
}

type RawReply = readonly (string | number)[];
type Arguments = readonly (string | number)[];

/** The ledger in Redis: one script a call, on one connection, so that replies come in order. */
export class RedisLedger implements Ledger {
  readonly #connection: Connection;
  readonly #options: RedisLedgerOptions;
  readonly #wait: DurabilityWait;

  constructor(connection: Connection, options: RedisLedgerOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#wait = new DurabilityWait(options.durability, options.durabilityTimeoutMs);
  }

  get ready(): boolean {
    return this.#connection.live !== null;
  }

  onConnection(listener: (ready: boolean) => void): void {
    this.#connection.onChange((live) => listener(live !== null));
  }

  async hold(sale: string, requests: readonly HoldRequest[]): Promise<Reply<HoldReply | null>> {
    const k = saleKeys(sale);
    const keys = [k.stock, k.requests, k.orders, k.buyers, k.deadlines, k.events, k.nodes];
    const packed = encodeHoldRequests(requests);
    const argumentsFor = (live: LiveConnection): Arguments => [
      this.#options.instance,
      live.generation,
      this.#wait.fence,
      packed,
    ];
    const reply = await this.#call(scripts.hold, keys, argumentsFor, true);
    if (reply.kind !== "ok") {
      return reply;
    }
    const [status, left, epoch, state, limit, opensAtMs, payByMs, results] = reply.value.raw;
    if (status === scriptStatus.staleGeneration) {
      // Only a copy that was held up on its way can see this; its sender has long moved on.
      return { kind: "unknown", reason: "a newer connection overtook this copy of the batch" };
    }
    if (status === scriptStatus.noSale) {
      return { kind: "ok", value: null };
    }
    const { durable } = reply.value;
    return tryDecode(() => {
      const encoded = JSON.parse(String(results)) as EncodedResult[];
      return {
        left: Number(left),
        epoch: Number(epoch),
        state: state as SaleState,
        limit: Number(limit),
        opensAtMs: Number(opensAtMs),
        results: decodeHoldResults(sale, requests, encoded, Number(payByMs)),
        durable,
      };
    });
  }

  async heartbeat(sale: string, weight: number): Promise<Reply<Heartbeat | null>> {
    const keys = saleKeys(sale);
    const { instance, livingMs, forgetMs } = this.#options;
    const argumentsFor = (live: LiveConnection): Arguments => [
      instance,
      weight,
      live.generation,
      livingMs,
      forgetMs,
    ];
    const reply = await this.#call(
      scripts.heartbeat,
      [keys.stock, keys.nodes],
      argumentsFor,
      false,
    );
    if (reply.kind !== "ok") {
      return reply;
    }
    const raw = reply.value.raw;
    if (raw[0] === scriptStatus.staleGeneration) {
      return { kind: "unknown", reason: "a newer connection overtook this heartbeat" };
    }
    if (raw[0] === scriptStatus.noSale) {
      return { kind: "ok", value: null };
    }
    return tryDecode(() => ({
      snapshot: readSnapshot(sale, raw),
      livingWeight: Number(raw[11]),
      livingNodes: Number(raw[12]),
    }));
  }

  async lookup(sale: string, requestKeys: readonly string[]): Promise<Reply<LookupReply | null>> {
    const keys = saleKeys(sale);
    const reply = await this.#call(
      scripts.lookup,
      [keys.stock, keys.requests, keys.orders],
      () => [this.#wait.fence, JSON.stringify(requestKeys)],
      true,
    );
    if (reply.kind !== "ok") {
      return reply;
    }
    const [status, results] = reply.value.raw;
    if (status === scriptStatus.noSale) {
      return { kind: "ok", value: null };
    }
    const { durable } = reply.value;
    return tryDecode(() => {
      const encoded = JSON.parse(String(results)) as EncodedResult[];
      return { orders: decodeLookupResults(sale, requestKeys, encoded), durable };
    });
  }

  soldKeys(sale: string, most: number): Promise<Reply<ReadonlySet<string> | null>> {
    const { requests } = saleKeys(sale);
    return this.#bounded(async ({ client }) => {
      const sold = new Set<string>();
      if ((await client.hlen(requests)) > most) {
        return null;
      }
      let cursor = "0";
      do {
        // 500 a step: a fifth of a millisecond of Redis, between two batches of purchases.
        const [next, pairs] = await client.hscan(requests, cursor, "COUNT", 500);
        for (let i = 0; i < pairs.length; i += 2) {
          sold.add(pairs[i] as string);
        }
        cursor = next;
      } while (cursor !== "0" && sold.size <= most);
      return sold.size > most ? null : sold;
    }, this.#options.replyTimeoutMs * 5);
  }

  confirm(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>> {
    const k = saleKeys(sale);
    const keys = [k.stock, k.orders, k.buyers, k.events];
    const flat = JSON.stringify(orders.flatMap(({ serial, token }) => [serial, token]));
    return this.#change(scripts.confirm, keys, [this.#wait.fence, flat], sale, orders);
  }

  cancel(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>> {
    const k = saleKeys(sale);
    const keys = [k.stock, k.orders, k.buyers, k.deadlines, k.events];
    const flat = JSON.stringify(orders.flatMap(({ serial, token }) => [serial, token]));
    const args = ["cancelled", this.#wait.fence, flat];
    return this.#change(scripts.release, keys, args, sale, orders);
  }

  readOrder(sale: string, serial: number): Promise<Reply<OrderRecord | null>> {
    return this.#bounded(async ({ client }) => {
      const record = await client.hget(saleKeys(sale).orders, String(serial));
      return record === null ? null : parseOrderRecord(sale, record);
    }, this.#options.replyTimeoutMs);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #change(
    script: Script,
    keys: readonly string[],
    args: Arguments,
    sale: string,
    orders: readonly OrderRef[],
  ): Promise<Reply<ChangeReply | null>> {
    const reply = await this.#call(script, keys, () => args, true);
    if (reply.kind !== "ok") {
      return reply;
    }
    const [status, left, epoch, results] = reply.value.raw;
    if (status === scriptStatus.noSale) {
      return { kind: "ok", value: null };
    }
    const { durable } = reply.value;
    return tryDecode(() => {
      const encoded = JSON.parse(String(results)) as EncodedResult[];
      const changes = decodeOrderChanges(sale, orders, encoded);
      return { left: Number(left), epoch: Number(epoch), results: changes, durable };
    });
  }

  /** Runs a script once, bounded in time, and waits for its durability on the same connection. */
  async #call(
    script: Script,
    keys: readonly string[],
    argumentsFor: (live: LiveConnection) => Arguments,
    durable: boolean,
  ): Promise<Reply<{ raw: RawReply; durable: boolean }>> {
    const startedNs = Bun.nanoseconds();
    const reply = await this.#bounded(async (live) => {
      const args = argumentsFor(live);
      if (durable && this.#wait.needed) {
        return await this.#wait.run(live.client, script, keys, args);
      }
      const raw = (await callScript(live.client, script, keys, args)) as RawReply;
      return { raw, durable: true };
    }, this.#options.replyTimeoutMs);
    if (reply.kind === "ok") {
      this.#options.onRoundTrip(script.name, (Bun.nanoseconds() - startedNs) / 1e6);
    }
    return reply;
  }

  /** Time-outs, lost connections and Redis's errors as a `Failure`. */
  async #bounded<T>(
    work: (live: LiveConnection) => Promise<T>,
    timeoutMs: number,
  ): Promise<Reply<T>> {
    try {
      return { kind: "ok", value: await this.#connection.call(timeoutMs, work) };
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) {
        throw error;
      }
      return { kind: error.kind, reason: error.message };
    }
  }
}
