import type { Redis } from "ioredis";

import { createClient } from "../../src/ledger/connect.ts";
import { saleKeys } from "../../src/ledger/keys.ts";
import { readEntry, type StreamEntry } from "../../src/ledger/outbox/entry.ts";
import { signPayment } from "../../src/node/http/signature.ts";
import { CommandError } from "../../src/operator/command.ts";
import { orderId, type OrderRecord } from "../../src/sale/order.ts";
import type { Payments } from "../load/aftermath.ts";

export interface PayerOptions {
  /** Where payments are confirmed, as the payment system would: through Nginx. */
  readonly url: string;
  readonly redisUrl: string;
  readonly sale: string;
  readonly secret: string;
  /** Share of the buyers that pay, from 0 to 1. */
  readonly share: number;
  /** Decides, with the serial, who pays. */
  readonly seed: number;
}

/** Payments under way at a time. */
const concurrency = 32;
/** Entries of the stream a reading; no more are read while so many wait to be paid for. */
const pageEntries = 500;
const blockMs = 100;
const commandTimeoutMs = 5_000;
const paymentTimeoutMs = 5_000;
/** A payment that nobody decided is sent again, which is harmless. */
const attemptsMax = 20;
const attemptPauseMs = 100;

/**
 * Plays the payment system and the share of buyers that pay: follows the orders that are held,
 * decides by chance who pays, and confirms those, signed.
 */
export class Payer {
  readonly #options: PayerOptions;
  readonly #client: Redis;
  readonly #counts = { seen: 0, paid: 0, refunded: 0, failed: 0 };
  readonly #paidOrders = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #done: Promise<Error | null>;
  readonly #abandoned = new AbortController();
  #closing = false;

  constructor(options: PayerOptions) {
    this.#options = options;
    this.#client = createClient({
      url: options.redisUrl,
      name: "sluice-payer",
      connectTimeoutMs: commandTimeoutMs,
      commandTimeoutMs,
    });
    // Reported by the reading as well.
    this.#client.on("error", () => {});
    this.#done = this.#run().then(
      () => null,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
  }

  get payments(): Payments {
    return { share: this.#options.share, ...this.#counts };
  }

  /** Orders whose payment was confirmed. */
  get paidOrders(): ReadonlySet<string> {
    return this.#paidOrders;
  }

  /** Pays for what is held by now, and ends. Throws `CommandError` if the stream was lost. */
  async finish(): Promise<void> {
    this.#closing = true;
    const fault = await this.#done;
    await Promise.all(this.#underWay);
    this.#client.disconnect();
    if (fault !== null) {
      throw new CommandError(`the payer lost the stream of sold orders: ${fault.message}`);
    }
  }

  /** Ends at once: what is under way is left undecided. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    // Why it ends is known to whoever called it off.
    await this.finish().catch(() => {});
  }

  async #run(): Promise<void> {
    const { sale } = this.#options;
    const { events } = saleKeys(sale);
    await this.#client.connect();
    let last = "0";
    for (;;) {
      const closing = this.#closing;
      const page = await this.#read(events, last);
      for (const [id, fields] of page) {
        last = id;
        await this.#see({ sale, id, fields });
      }
      if (this.#abandoned.signal.aborted || (closing && page.length === 0)) {
        return;
      }
    }
  }

  async #read(events: string, after: string): Promise<[id: string, fields: string[]][]> {
    const reply = await this.#client.xread(
      ...(["COUNT", pageEntries, "BLOCK", blockMs, "STREAMS", events, after] as const),
    );
    return reply?.[0]?.[1] ?? [];
  }

  async #see(entry: StreamEntry): Promise<void> {
    const reading = readEntry(entry);
    for (const record of reading.kind === "orders" ? reading.records : []) {
      if (record === null || record.state !== "held") {
        continue;
      }
      this.#counts.seen += 1;
      if (!pays(this.#options, record.serial)) {
        continue;
      }
      while (this.#underWay.size >= concurrency) {
        await Promise.race(this.#underWay);
      }
      const payment = this.#pay(record).finally(() => this.#underWay.delete(payment));
      this.#underWay.add(payment);
    }
  }

  async #pay(record: OrderRecord): Promise<void> {
    const order = orderId(this.#options.sale, record);
    const { quantity } = record;
    const body = JSON.stringify({ order, quantity });
    const { signal } = this.#abandoned;
    for (let attempt = 1; attempt <= attemptsMax && !signal.aborted; attempt += 1) {
      const status = await this.#send(order, body);
      if (status === 200) {
        this.#counts.paid += 1;
        this.#paidOrders.add(order);
        return;
      }
      if (status === 409) {
        this.#counts.refunded += 1;
        return;
      }
      await Bun.sleep(attemptPauseMs);
    }
    this.#counts.failed += 1;
  }

  /** The status of the answer, or 0 if there was none. */
  async #send(order: string, body: string): Promise<number> {
    const { url, secret } = this.#options;
    const signature = signPayment(secret, body, Math.floor(Date.now() / 1_000));
    try {
      const response = await fetch(`${url}/orders/${order}/payment`, {
        method: "POST",
        headers: { "X-Sluice-Signature": signature },
        body,
        signal: AbortSignal.any([this.#abandoned.signal, AbortSignal.timeout(paymentTimeoutMs)]),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      // No answer decides nothing: it is asked again, a bounded number of times.
      return 0;
    }
  }
}

/** Whether the buyer of an order pays: the same seed decides alike, run after run. */
export function pays({ seed, share }: Pick<PayerOptions, "seed" | "share">, serial: number) {
  return Bun.hash.xxHash32(String(serial), seed) < share * 2 ** 32;
}
