import { purchaseOf, type ReplaySchedule } from "./replay-schedule.ts";

export interface RequestForm {
  readonly url: URL;
  /** Each purchase with an Idempotency-Key of its own. */
  readonly key: boolean;
  /** Each purchase with an X-Buyer-Id of its own. */
  readonly buyer: boolean;
  readonly replays: ReplaySchedule;
}

/** The last digits of a key and of a buyer are the purchase's number. */
const numberDigits = 8;
const keyRunDigits = 24;
const buyerRunDigits = 8;
const hexDigits = Buffer.from("0123456789abcdef");

/**
 * The purchases of a load, one after the other, as they are written to a connection. Keys and
 * buyers begin with digits of this load's own, so that no two loads share one.
 */
export class KeyedRequests {
  readonly #bytes: Buffer;
  /** Where in the bytes numbers end. */
  readonly #numberEnds: readonly number[];
  readonly #replays: ReplaySchedule;
  #made = 0;

  constructor({ url, key, buyer, replays }: RequestForm) {
    const run = crypto.getRandomValues(new Uint8Array(keyRunDigits / 2)).toHex();
    const zeros = "0".repeat(numberDigits);
    let text =
      `POST ${url.pathname} HTTP/1.1\r\naccept: */*\r\nuser-agent: sluice-bench\r\n` +
      `host: ${url.host}\r\n`;
    const ends: number[] = [];
    const add = (header: string, prefix: string) => {
      text += `${header}: ${prefix}${zeros}`;
      ends.push(text.length);
      text += "\r\n";
    };
    if (key) {
      add("idempotency-key", run);
    }
    if (buyer) {
      add("x-buyer-id", run.slice(0, buyerRunDigits));
    }
    this.#bytes = Buffer.from(`${text}\r\n`, "latin1");
    this.#numberEnds = ends;
    this.#replays = replays;
  }

  /** The next request. In place, so only until the next call: a string each would be most of it. */
  next(): Buffer {
    const purchase = purchaseOf(this.#made, this.#replays);
    this.#made += 1;
    for (const end of this.#numberEnds) {
      this.#writeNumber(end, purchase);
    }
    return this.#bytes;
  }

  #writeNumber(end: number, purchase: number): void {
    let rest = purchase;
    for (let place = end - 1; place >= end - numberDigits; place -= 1) {
      this.#bytes[place] = hexDigits[rest & 15] ?? 0;
      rest >>>= 4;
    }
  }
}
