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

  /** Throws unless there are exactly so many orders, each with a serial of its own. */
  async demandAll(count: number): Promise<void> {
    const rows = await this.#database.run(
      "SELECT COUNT(DISTINCT serial) AS serials, COUNT(*) AS orders FROM orders WHERE sale = $1",
      [this.#sale],
    );
    const [serials, orders] = [Number(rows[0]?.["serials"]), Number(rows[0]?.["orders"])];
    if (serials !== count || orders !== count) {
      throw new Error(`${orders} orders with ${serials} serials are stored, and not ${count}`);
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
