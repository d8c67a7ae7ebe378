import type { Redis } from "ioredis";

import { reasonOf } from "../process/errors.ts";
import { saleIdPattern, type SaleSnapshot, type SettableState, totalMax } from "../sale/sale.ts";
import { makeSecret, secretId } from "../sale/tokens.ts";
import { callScript } from "./call-script.ts";
import { wrongFormat } from "./format.ts";
import { changedKey, formatKey, ledgerFormat, saleKeys, salesKey } from "./keys.ts";
import { readSnapshot } from "./sale-fields.ts";
import { scriptStatus } from "./script-status.ts";
import type { Script } from "./script.ts";
import { scripts } from "./scripts.ts";
import { LedgerSession, OperationError } from "./session.ts";

export interface NewSale {
  readonly sale: string;
  /** Tickets, 1 to `totalMax`. */
  readonly total: number;
  /** Tickets that one buyer may have at a time; 0 for no limit. */
  readonly limit: number;
  /** How long a hold lasts before it lapses, in milliseconds, at least 1000. */
  readonly holdMs: number;
  /** Opening time in milliseconds since the epoch of Unix; 0 to wait for an operator. */
  readonly opensAtMs: number;
}

/** Attempts at one operation; each repeats the same operation key, so it counts once. */
const attemptsMax = 5;

/** What an operator does with sales. Bounded in time; throws `OperationError` for a refusal. */
export class SaleOperations {
  /** Address of the ledger. */
  readonly url: string;
  readonly #session: LedgerSession;

  constructor(url: string) {
    this.url = url;
    this.#session = new LedgerSession(url);
  }

  /** Creates a sale that waits for its opening. Throws if the id is taken. */
  async create(sale: NewSale): Promise<SaleSnapshot> {
    const k = this.#keys(sale.sale);
    // The form first, since sales without one are of a time before it. Then the list: an id without
    // a sale is dropped by `list`, a sale without an id is invisible.
    await this.#retrying((client) => client.set(formatKey, ledgerFormat, "NX"));
    await this.#retrying((client) => client.sadd(salesKey, sale.sale));
    const { total, limit, holdMs, opensAtMs } = sale;
    const secret = makeSecret();
    const definition = [total, limit, holdMs, opensAtMs];
    const args = [crypto.randomUUID(), ...definition, secret, secretId(secret), ledgerFormat];
    const { stock, secret: secretKey, events, ...others } = k;
    const keys = [stock, secretKey, events, changedKey, formatKey, ...Object.values(others)];
    const status = await this.#run(scripts.create, keys, args);
    if (status === scriptStatus.wrongFormat) {
      throw new OperationError(wrongFormat);
    }
    if (status === scriptStatus.saleExists) {
      throw new OperationError(`sale ${sale.sale} exists already; choose another id`);
    }
    if (status === scriptStatus.saleRemains) {
      throw new OperationError(
        `the ledger still has orders or other keys of an earlier sale ${sale.sale}; choose another id`,
      );
    }
    return this.#mustRead(sale.sale);
  }

  /** Opens, pauses or closes a sale. Closed is final. */
  async setState(sale: string, state: SettableState): Promise<SaleSnapshot> {
    const { stock, events } = this.#keys(sale);
    const status = await this.#run(scripts.setState, [stock, events, changedKey], [state]);
    if (status === scriptStatus.saleClosed) {
      throw new OperationError(`sale ${sale} is closed, which is final; create another sale`);
    }
    return this.#mustRead(sale);
  }

  /** Adds tickets, once, however often it has to be sent. */
  async restock(sale: string, quantity: number): Promise<SaleSnapshot> {
    const { stock, operations, events } = this.#keys(sale);
    const keys = [stock, operations, events, changedKey];
    const status = await this.#run(scripts.restock, keys, [crypto.randomUUID(), quantity]);
    if (status === scriptStatus.saleClosed) {
      throw new OperationError(`sale ${sale} is closed, which is final; create another sale`);
    }
    if (status === scriptStatus.totalTooLarge) {
      throw new OperationError(`sale ${sale} would have more than ${totalMax} tickets`);
    }
    return this.#mustRead(sale);
  }

  /** The sale, or null if there is none of that id. */
  async read(sale: string): Promise<SaleSnapshot | null> {
    const { stock } = this.#keys(sale);
    const raw = await this.#retrying((client) => callScript(client, scripts.read, [stock], []));
    if ((raw as number[])[0] === scriptStatus.noSale) {
      return null;
    }
    try {
      return readSnapshot(sale, raw as (string | number)[]);
    } catch (error) {
      throw new OperationError(`${reasonOf(error)}; "sluice audit ${sale}" names what is wrong`);
    }
  }

  /** All sales, by id. */
  async list(): Promise<SaleSnapshot[]> {
    const ids = await this.#retrying((client) => client.smembers(salesKey));
    const sales: SaleSnapshot[] = [];
    for (const id of ids.sort()) {
      const sale = await this.read(id);
      if (sale !== null) {
        sales.push(sale);
      }
    }
    return sales;
  }

  close(): void {
    this.#session.close();
  }

  #keys(sale: string) {
    if (!saleIdPattern.test(sale)) {
      throw new OperationError(
        `"${sale}" is no sale id: 1 to 64 of a-z 0-9 - _, beginning with a letter or digit`,
      );
    }
    return saleKeys(sale);
  }

  async #mustRead(sale: string): Promise<SaleSnapshot> {
    const snapshot = await this.read(sale);
    if (snapshot === null) {
      throw new OperationError(
        `there is no sale ${sale}; "sluice sale list" shows those there are`,
      );
    }
    return snapshot;
  }

  async #run(script: Script, keys: string[], args: (string | number)[]): Promise<number> {
    const status = await this.#retrying((client) => callScript(client, script, keys, args));
    return Number(status);
  }

  /** Everything here is harmless to repeat, so a lost connection is answered by another attempt. */
  #retrying<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    return this.#session.run(work, attemptsMax);
  }
}
