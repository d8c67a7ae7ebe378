import { expect } from "bun:test";

import { scriptStatus } from "../../../src/ledger/script-status.ts";
import { parseOrderRecord } from "../../../src/sale/order.ts";
import { type Books, checkInvariants, readBooks } from "./books.ts";
import { type Predicted, SaleModel } from "./sale-model.ts";
import type { Ask, SaleScripts } from "./sale-scripts.ts";
import type { Sender, Step } from "./sale-steps.ts";

/** Runs the scripts and the model side by side and fails at the first difference. */
export class SideBySide {
  readonly #scripts: SaleScripts;
  readonly #model: SaleModel;
  readonly #batches: (readonly Ask[])[] = [];
  #books: Books;
  readonly #firstEpoch: number;

  private constructor(scripts: SaleScripts, model: SaleModel, books: Books) {
    this.#scripts = scripts;
    this.#model = model;
    this.#books = books;
    this.#firstEpoch = Number(books.stock["epoch"]);
  }

  static async begin(scripts: SaleScripts, total: number, limit: number): Promise<SideBySide> {
    expect(await scripts.create({ total, limit }, "c1")).toBe(0);
    const books = await readBooks(scripts.client, scripts.keys);
    return new SideBySide(scripts, new SaleModel(total, limit), books);
  }

  async step(step: Step): Promise<void> {
    const changesNothing = await this.#take(step);
    const books = await readBooks(this.#scripts.client, this.#scripts.keys);
    checkInvariants(this.#scripts.sale, books);
    if (changesNothing) {
      expect(books).toEqual(this.#books);
    }
    this.#compare(books);
    this.#books = books;
  }

  /** Resolves to whether the step must not have changed anything of the sale. */
  async #take(step: Step): Promise<boolean> {
    const [scripts, model] = [this.#scripts, this.#model];
    switch (step.kind) {
      case "batch":
        this.#batches.push(step.asks);
        return this.#hold(step.asks, step.sender, step.fence);
      case "replay": {
        const earlier = this.#batches[step.pick % Math.max(1, this.#batches.length)] ?? [];
        const asks = [...earlier.slice(step.from), ...step.more];
        return asks.length === 0 || this.#hold(asks, step.sender, step.fence);
      }
      case "restock": {
        const predicted = model.restock(step.operation, step.quantity);
        expect(await scripts.restock(step.operation, step.quantity)).toBe(predicted);
        return predicted !== scriptStatus.done;
      }
      case "state": {
        const before = model.state;
        expect(await scripts.setState(step.state)).toBe(model.setState(step.state));
        return model.state === before;
      }
      case "create":
        expect(await scripts.create({}, step.operation)).toBe(
          step.operation === "c1" ? scriptStatus.repeated : scriptStatus.saleExists,
        );
        return true;
      case "heartbeat":
        await this.#heartbeat(step.sender, step.weight);
        return true;
      case "lookup":
        await this.#lookup(step.keys, step.fence);
        return true;
      case "pay":
      case "release":
        return this.#settle(step.kind, step.pick);
    }
  }

  async #hold(asks: readonly Ask[], sender: Sender, fence: 0 | 1): Promise<boolean> {
    const generation = this.#generation(sender);
    const { instance } = sender;
    const sold = this.#model.orders.length;
    const predicted = this.#model.hold(asks, instance, generation);
    const answer = await this.#scripts.hold(asks, { instance, generation, fence });
    const { left, state, limit } = this.#model;
    const epoch = this.#firstEpoch + this.#model.epochs;
    const status = predicted === null ? scriptStatus.staleGeneration : scriptStatus.done;
    expect(answer).toMatchObject({ status, left, epoch, state, limit, opensAtMs: 0 });
    expect(answer.results.map((result) => this.#named(result))).toEqual(predicted ?? []);
    return this.#model.orders.length === sold;
  }

  /** A result in the words of the model. An order that was sold before has to be as it is kept. */
  #named(result: number | string): Predicted {
    if (typeof result === "number") {
      return result;
    }
    const { serial } = parseOrderRecord(this.#scripts.sale, result);
    const kept = this.#books.records[String(serial)];
    if (kept !== undefined) {
      expect(result).toBe(kept); // Else it was sold in this very batch.
    }
    return { again: serial };
  }

  async #heartbeat(sender: Sender, weight: number): Promise<void> {
    const generation = this.#generation(sender);
    const living = this.#model.heartbeat(sender.instance, weight, generation);
    const beat = await this.#scripts.heartbeat({ instance: sender.instance, weight, generation });
    expect(beat[0]).toBe(
      String(living === null ? scriptStatus.staleGeneration : scriptStatus.done),
    );
    if (living !== null) {
      expect(beat.slice(-2).map(Number)).toEqual(living);
    }
  }

  async #lookup(keys: readonly string[], fence: 0 | 1): Promise<void> {
    const { status, results } = await this.#scripts.lookup(keys, fence);
    expect(status).toBe(0);
    const predicted = keys.map(
      (key) => this.#books.records[this.#model.serialOf(key)] ?? scriptStatus.noOrder,
    );
    expect(results).toEqual(predicted);
  }

  /** Does to the books what confirm and release do to a held order. */
  async #settle(kind: "pay" | "release", pick: number): Promise<boolean> {
    const { orders, left } = this.#model;
    const held = orders.flatMap((order, i) => (order.state === "held" ? [i + 1] : []));
    const serial = held[pick % Math.max(1, held.length)];
    const order = orders[(serial ?? 0) - 1];
    if (serial === undefined || order === undefined) {
      return true;
    }
    const { keys, client } = this.#scripts;
    const record = this.#books.records[serial] ?? "";
    const change = client.multi().hincrby(keys.stock, "held", -order.quantity);
    if (kind === "pay") {
      this.#model.pay(serial);
      change.hincrby(keys.stock, "paid", order.quantity);
      change.hset(keys.orders, serial, `${record.replace("held", "paid")}\t2\t9\tpaid`);
    } else {
      this.#model.release(serial);
      change.hincrby(keys.stock, "epoch", left === 0 ? 1 : 0);
      change.hincrby(keys.buyers, order.buyer, -order.quantity);
      change.hset(keys.orders, serial, `${record.replace("held", "released")}\t2\t9\tlapsed`);
    }
    await change.exec();
    return false;
  }

  #generation({ instance, newer }: Sender): number {
    return Math.max(0, (this.#model.generations.get(instance) ?? 0) + newer);
  }

  #compare({ stock, records, operations }: Books): void {
    const { total, state, limit, epochs, orders } = this.#model;
    expect(stock).toMatchObject({
      total: String(total),
      held: String(this.#model.tickets("held")),
      paid: String(this.#model.tickets("paid")),
      limit: String(limit),
      state,
      epoch: String(this.#firstEpoch + epochs),
      serial: String(orders.length),
    });
    expect(Object.keys(operations).sort()).toEqual([...this.#model.operations].sort());
    for (const [i, order] of orders.entries()) {
      const record = records[i + 1] ?? "";
      expect(parseOrderRecord(this.#scripts.sale, record)).toMatchObject(order);
    }
  }
}
