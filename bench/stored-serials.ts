import { parseDatabaseUrl } from "../src/orders/database-address.ts";
import { Database } from "../src/orders/database.ts";

const statementTimeoutMs = 10_000;

/**
 * What of a sale is visible in the database, seen from another connection than the worker's. One
 * worker stores orders as they were sold, so the highest serial tells how many there are, at the
 * price of a look into an index; `demandAll` counts them.
 */
export class StoredSerials {
  readonly #database: Database;
  readonly #sale: string;

  constructor(url: string, sale: string) {
    const address = parseDatabaseUrl(url);
    if (typeof address === "string") {
      throw new Error(`${url}: ${address}`);
    }
    const readonly = address.dialect === "sqlite";
    this.#database = new Database(address, { timeoutMs: statementTimeoutMs, readonly });
    this.#sale = sale;
  }

  async highest(): Promise<number> {
    const rows = await this.#database.run(
      "SELECT MAX(serial) AS serial FROM orders WHERE sale = $1",
      [this.#sale],
    );
    return Number(rows[0]?.["serial"] ?? 0);
  }

  /** Waits until `serial` is visible, and returns the highest that then is. */
  async until(
    serial: number,
    options: { readonly everyMs: number; readonly limitMs: number },
    onLook: (highest: number) => void = () => undefined,
  ): Promise<number> {
    const lastMs = performance.now() + options.limitMs;
    for (;;) {
      const highest = await this.highest();
      onLook(highest);
      if (highest >= serial) {
        return highest;
      }
      if (performance.now() > lastMs) {
        throw new Error(`${highest} of ${serial} orders are stored after ${options.limitMs} ms`);
      }
      await Bun.sleep(options.everyMs);
    }
  }

  /**
   * Waits until so many orders are visible. They are counted only once the highest serial says that
   * they may all be there, since counting costs the server more than storing does.
   */
  async untilCount(
    count: number,
    options: { readonly everyMs: number; readonly limitMs: number },
  ): Promise<void> {
    const lastMs = performance.now() + options.limitMs;
    await this.until(count, options);
    for (;;) {
      const orders = await this.#count("*");
      if (orders >= count) {
        return;
      }
      if (performance.now() > lastMs) {
        throw new Error(`${orders} of ${count} orders are stored after ${options.limitMs} ms`);
      }
      await Bun.sleep(options.everyMs);
    }
  }

  /** Throws unless there are exactly so many orders, each with a serial of its own. */
  async demandAll(count: number): Promise<void> {
    const [serials, orders] = [await this.#count("DISTINCT serial"), await this.#count("*")];
    if (serials !== count || orders !== count) {
      throw new Error(`${orders} orders with ${serials} serials are stored, and not ${count}`);
    }
  }

  async #count(what: "*" | "DISTINCT serial"): Promise<number> {
    const text = `SELECT COUNT(${what}) AS count FROM orders WHERE sale = $1`;
    const rows = await this.#database.run(text, [this.#sale]);
    return Number(rows[0]?.["count"]);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
