import { release } from "../process/release.ts";
import {
  batchRefOf,
  hashOf,
  type OrderRecord,
  type OrderRef,
  readOrderRecord,
} from "../sale/order.ts";
import type { SaleSnapshot } from "../sale/sale.ts";
import { callForEach, callScript } from "./call-script.ts";
import type { Connection, LiveConnection } from "./connection.ts";
import { DurabilityWait } from "./durability-wait.ts";
import { changedKey, nodesKey, saleKeys } from "./keys.ts";
import type {
  ChangeReply,
  Durability,
  Failure,
  Heartbeat,
  HoldBatch,
  HoldReply,
  Ledger,
  LookupReply,
  Reply,
} from "./ledger.ts";
import { readBatchRow } from "./outbox/entry.ts";
import {
  decodeChangeReply,
  decodeHeartbeat,
  decodeHoldReply,
  decodeLookupReply,
  decodeSale,
  encodeHoldBatch,
  encodeOrderRefs,
  type RawReply,
  type ScriptReply,
} from "./script-codec.ts";
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

type Arguments = readonly (string | number)[];

interface ScriptCall<T> {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly argumentsFor: (live: LiveConnection) => Arguments;
  /** Of a reply whose status is `done`. Throws if it is not what the script should return. */
  readonly decode: (reply: ScriptReply) => T;
  /** False: its durability is of no interest. */
  readonly waits?: boolean;
}

/** Cannot be: a pipeline has a reply to each command. */
const unanswered: Failure = { kind: "unknown", reason: "read: one reply is missing" };

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

  hold(sale: string, batch: HoldBatch): Promise<Reply<HoldReply | null>> {
    const k = saleKeys(sale);
    const keys = [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, nodesKey];
    const pairs = encodeHoldBatch(batch);
    const argumentsFor = ({ generation }: LiveConnection): Arguments => [
      this.#options.instance,
      generation,
      this.#wait.fence,
      batch.secretId,
      batch.ref,
      ...pairs,
    ];
    const decode = (reply: ScriptReply): HoldReply => decodeHoldReply(sale, batch.requests, reply);
    return this.#decide({ script: scripts.hold, keys, argumentsFor, decode });
  }

  async heartbeat(weight: number): Promise<Reply<Heartbeat>> {
    const { instance, livingMs, forgetMs } = this.#options;
    const reply = await this.#decide({
      script: scripts.heartbeat,
      keys: [nodesKey, changedKey],
      argumentsFor: ({ generation }) => [instance, weight, generation, livingMs, forgetMs, release],
      decode: decodeHeartbeat,
      // It promises nothing to anybody.
      waits: false,
    });
    if (reply.kind !== "ok") {
      return reply;
    }
    return reply.value === null
      ? { kind: "unknown", reason: "heartbeat: it returned that there is no such sale" }
      : { kind: "ok", value: reply.value };
  }

  async readSales(sales: readonly string[]): Promise<readonly Reply<SaleSnapshot | null>[]> {
    const replies = await this.#bounded(({ client }) => {
      const calls = sales.map((sale) => [saleKeys(sale).stock]);
      return callForEach(client, scripts.read, calls);
    }, this.#options.replyTimeoutMs);
    return sales.map((sale, index) => {
      const reply = replies.kind === "ok" ? (replies.value[index] ?? unanswered) : replies;
      return reply.kind === "ok" ? tryDecode(() => decodeSale(sale, reply.value)) : reply;
    });
  }

  readSecret(sale: string): Promise<Reply<string | null>> {
    return this.#bounded(
      ({ client }) => client.get(saleKeys(sale).secret),
      this.#options.replyTimeoutMs,
    );
  }

  lookup(
    sale: string,
    secretId: string,
    tokens: readonly string[],
  ): Promise<Reply<LookupReply | null>> {
    const { stock, orders, batches } = saleKeys(sale);
    return this.#decide({
      script: scripts.lookup,
      keys: [stock, orders, batches],
      argumentsFor: () => [this.#wait.fence, secretId, ...tokens],
      decode: (reply) => decodeLookupReply(tokens, reply),
    });
  }

  soldOrders(sale: string, most: number): Promise<Reply<ReadonlySet<string> | null>> {
    const { orders } = saleKeys(sale);
    return this.#bounded(async ({ client }) => {
      const sold = new Set<string>();
      if ((await client.hlen(orders)) > most) {
        return null;
      }
      let cursor = "0";
      do {
        // 500 a step: a fifth of a millisecond of Redis, between two batches of purchases.
        const [next, pairs] = await client.hscan(orders, cursor, "COUNT", 500);
        for (let i = 1; i < pairs.length; i += 2) {
          const hash = hashOf(pairs[i] as string);
          if (hash === null) {
            return null;
          }
          sold.add(hash);
        }
        cursor = next;
      } while (cursor !== "0" && sold.size <= most);
      return sold.size > most ? null : sold;
    }, this.#options.replyTimeoutMs * 5);
  }

  confirm(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>> {
    const k = saleKeys(sale);
    return this.#decide({
      script: scripts.confirm,
      keys: [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events],
      argumentsFor: () => [this.#wait.fence, encodeOrderRefs(orders)],
      decode: (reply) => decodeChangeReply(orders, reply),
    });
  }

  cancel(sale: string, orders: readonly OrderRef[]): Promise<Reply<ChangeReply | null>> {
    const k = saleKeys(sale);
    return this.#decide({
      script: scripts.release,
      keys: [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, changedKey],
      argumentsFor: () => ["cancelled", this.#wait.fence, encodeOrderRefs(orders)],
      decode: (reply) => decodeChangeReply(orders, reply),
    });
  }

  readOrder(sale: string, { token, serial }: OrderRef): Promise<Reply<OrderRecord | null>> {
    const { orders, batches } = saleKeys(sale);
    return this.#bounded(async ({ client }) => {
      // Twice at most: between the two reads an order's batch may go, when its record is of the full form.
      for (let reads = 0; reads < 2; reads += 1) {
        const record = await client.hget(orders, token);
        if (record === null) {
          return null;
        }
        const ref = batchRefOf(record);
        const row = ref === null ? null : await client.hget(batches, ref);
        if (ref === null || row !== null) {
          const batch = ref === null || row === null ? null : readBatchRow(ref, row);
          const order = readOrderRecord(token, record, batch);
          return order.serial === serial ? order : null;
        }
      }
      throw new LedgerUnavailable("unknown", `sale ${sale}: an order's batch is not there`);
    }, this.#options.replyTimeoutMs);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /**
   * Runs a script once, bounded in time, and waits for its durability on the same connection. Null:
   * there is no such sale. What cannot be decoded is unknown, not an exception: one broken record in
   * the ledger must not end every node that comes across it. The reason names the sale.
   */
  async #decide<T>(call: ScriptCall<T>): Promise<Reply<T | null>> {
    const { script, keys, argumentsFor, decode, waits = true } = call;
    const startedNs = Bun.nanoseconds();
    const reply = await this.#bounded(async (live): Promise<ScriptReply> => {
      const args = argumentsFor(live);
      if (waits && this.#wait.needed) {
        return await this.#wait.run(live.client, script, keys, args);
      }
      const raw = (await callScript(live.client, script, keys, args)) as RawReply;
      return { raw, durable: true };
    }, this.#options.replyTimeoutMs);
    if (reply.kind !== "ok") {
      return reply;
    }
    this.#options.onRoundTrip(script.name, (Bun.nanoseconds() - startedNs) / 1e6);
    const [status] = reply.value.raw;
    switch (status) {
      case scriptStatus.done:
        return tryDecode(() => decode(reply.value));
      case scriptStatus.noSale:
        return { kind: "ok", value: null };
      case scriptStatus.wrongSecret:
        // The sale was made anew under its id; the next heartbeat brings its secret.
        return { kind: "refused", reason: `${script.name}: the sale has another secret` };
      case scriptStatus.staleGeneration:
        // Only a copy that was held up on its way can get this; its sender has long moved on.
        return { kind: "unknown", reason: "a newer connection of this node overtook this call" };
      case undefined:
      default:
        return { kind: "unknown", reason: `${script.name}: unknown status ${status}` };
    }
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
