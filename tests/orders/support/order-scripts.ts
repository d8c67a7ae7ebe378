import { changedKey, salesKey } from "../../../src/ledger/keys.ts";
import { scripts } from "../../../src/ledger/scripts.ts";
import { SaleScripts, tokenOf } from "../../ledger/support/sale-scripts.ts";
import { listOf, numberOf, resultOf, textOf } from "../../ledger/support/shapes.ts";

export interface ChangeAnswer {
  readonly status: number;
  readonly left: number;
  readonly epoch: number;
  readonly results: readonly (number | string)[];
}

export interface ReleaseAnswer extends ChangeAnswer {
  readonly released: number;
  readonly more: number;
  /** Refs of batches whose entries do not name their held orders. */
  readonly broken: readonly string[];
}

/** The scripts of an order's life, called as they are, beside those of its sale. */
export class OrderScripts extends SaleScripts {
  /** A sale that is on sale, and listed where workers find it. */
  async open(total: number, holdMs = 600_000, limit = 0): Promise<void> {
    await this.client.sadd(salesKey, this.sale);
    await this.create({ total, limit });
    await this.setHoldMs(holdMs);
    await this.setState("open");
  }

  /** create.lua takes no less than a second, and tests do not wait that long for a lapse. */
  async setHoldMs(holdMs: number): Promise<void> {
    await this.client.hset(this.keys.stock, "holdMs", holdMs);
  }

  /** As `sell`, but the holds lapse at once, by this script or by a worker that sweeps. */
  async sellLapsed(count: number, prefix: string): Promise<string[]> {
    const before = await this.client.hget(this.keys.stock, "holdMs");
    await this.setHoldMs(0);
    const keys = await this.sell(count, prefix);
    await this.setHoldMs(Number(before));
    await this.lapse();
    return keys;
  }

  /** Sells one ticket to each of so many keys, `PREFIX-1` and so on, in batches. */
  async sell(count: number, prefix = "k", batch = 100): Promise<string[]> {
    const keys = Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
    for (let at = 0; at < count; at += batch) {
      await this.hold(keys.slice(at, at + batch).map((key) => [key, `buyer of ${key}`] as const));
    }
    return keys;
  }

  confirm(keys: readonly string[], fence: 0 | 1 = 0): Promise<ChangeAnswer> {
    return this.refs(keys).then((refs) => this.confirmRaw(JSON.stringify(refs), fence));
  }

  async confirmRaw(orders: string, fence: 0 | 1 = 0): Promise<ChangeAnswer> {
    const k = this.keys;
    const keys = [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events];
    return toChange(listOf(await this.run(scripts.confirm, keys, [fence, orders]), String));
  }

  cancel(keys: readonly string[], fence: 0 | 1 = 0): Promise<ReleaseAnswer> {
    return this.refs(keys).then((refs) =>
      this.releaseRaw("cancelled", JSON.stringify(refs), { fence }),
    );
  }

  /** Of what is overdue by the ledger's clock and by `byMs`. */
  lapse(most = 1000, byMs = farAheadMs): Promise<ReleaseAnswer> {
    return this.releaseRaw("lapsed", most, { byMs });
  }

  async releaseRaw(
    cause: string,
    what: unknown,
    { fence = 0, byMs = farAheadMs }: { fence?: 0 | 1; byMs?: unknown } = {},
  ): Promise<ReleaseAnswer> {
    const k = this.keys;
    const keys = [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, changedKey];
    const args = [cause, fence, what, byMs];
    const raw = listOf(await this.run(scripts.release, keys, args), String);
    const broken = listOf(JSON.parse(textOf(raw[6])), textOf);
    return { ...toChange(raw), released: numberOf(raw[4]), more: numberOf(raw[5]), broken };
  }

  /** Serial and token of the orders of keys, as confirm and cancel take them; serial 0 for none. */
  async refs(keys: readonly string[]): Promise<(number | string)[]> {
    const orders = await this.ordersOf(keys);
    return keys.flatMap((key, index) => [orders[index]?.serial ?? 0, tokenOf(key)]);
  }
}

/** So that the ledger's clock alone decides what lapses. */
const farAheadMs = 1e15;

function toChange(raw: readonly string[]): ChangeAnswer {
  const [status, left, epoch, results] = raw;
  return {
    status: numberOf(status),
    left: numberOf(left),
    epoch: numberOf(epoch),
    results: listOf(JSON.parse(textOf(results)), resultOf),
  };
}

/** The state in an order's record, its first field. */
export function stateOf(record: unknown): string | undefined {
  return String(record).split("\t")[0];
}

/** Why an order has its state; of a record of the full form. */
export function causeOf(record: unknown): string | undefined {
  return String(record).split("\t")[8];
}
