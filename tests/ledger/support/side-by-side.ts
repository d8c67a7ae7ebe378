import { expect } from "bun:test";

import { scriptStatus } from "../../../src/ledger/script-status.ts";
import { type OrderRecord, readOrderRecord } from "../../../src/sale/order.ts";
import { requestHash, secretId } from "../../../src/sale/tokens.ts";
import { OrderScripts } from "../../orders/support/order-scripts.ts";
import { type Named, type Predicted, SaleModel } from "./sale-model.ts";
import { type Ask, testSecret, tokenOf } from "./sale-scripts.ts";
import type { How, Step } from "./sale-steps.ts";
import { readWholeSale, type WholeSale } from "./whole-sale.ts";

type Client = OrderScripts["client"];

/** Far beyond a test. */
const longMs = 600_000;

/** What is answered of one request or order, beside the key it is about. */
interface Answered {
  readonly key: string;
  readonly result: number | string;
}

/** Runs the scripts and the model side by side and fails at the first difference. */
export class SideBySide {
  readonly #scripts: OrderScripts;
  readonly #model: SaleModel;
  readonly #batches: { readonly ref: string; readonly asks: readonly Ask[] }[] = [];
  readonly #heldAtMs = new Map<string, number>();
  readonly #firstEpoch: number;
  #whole: WholeSale;
  #crowds = 0;

  private constructor(scripts: OrderScripts, model: SaleModel, whole: WholeSale) {
    this.#scripts = scripts;
    this.#model = model;
    this.#whole = whole;
    this.#firstEpoch = Number(whole.stock["epoch"]);
  }

  static async begin(client: Client, total: number, limit: number): Promise<SideBySide> {
    const scripts = new OrderScripts(client);
    expect(await scripts.create({ total, limit }, "c1")).toBe(0);
    return new SideBySide(scripts, new SaleModel(total, limit), await readWholeSale(scripts));
  }

  async step(step: Step): Promise<void> {
    const { records, revision } = this.#model;
    const answered = await this.#take(step);
    const changesNothing = records === this.#model.records && revision === this.#model.revision;
    const before = this.#whole;
    this.#whole = await readWholeSale(this.#scripts);
    if (changesNothing) {
      expect({ ...this.#whole, stock: this.#withoutHoldMs() }).toEqual({
        ...before,
        stock: { ...before.stock, holdMs: "" },
      });
    }
    this.#compare();
    for (const { key, result } of answered) {
      if (typeof result === "string") {
        const token = tokenOf(key);
        expect(this.#whole.orders.get(token)).toEqual(readOrderRecord(token, result, null));
      }
    }
  }

  /** Resolves to what was answered. */
  async #take(step: Step): Promise<readonly Answered[]> {
    const [scripts, model] = [this.#scripts, this.#model];
    switch (step.kind) {
      case "batch":
        return this.#hold(step.asks, scripts.newRef(), step.how);
      case "crowd": {
        this.#crowds += 1;
        const name = `crowd-${this.#crowds}`;
        const asks = Array.from({ length: 1_000 }, (_, i): Ask => [`${name}-${i}`, `of-${i}`]);
        return this.#hold(asks, scripts.newRef(), step.how);
      }
      case "again":
      case "same ref": {
        const { ref, asks } = this.#batches[step.pick % Math.max(1, this.#batches.length)] ?? {
          ref: "never sent",
          asks: [],
        };
        const others = step.kind === "again" ? [] : step.more;
        const all = [...others, ...asks.slice(step.kind === "again" ? 0 : step.from)];
        const unique = [...new Map(all.map((ask) => [ask[0], ask])).values()].slice(0, 1_000);
        return unique.length === 0 || asks.length === 0 ? [] : this.#hold(unique, ref, step.how);
      }
      case "restock":
        expect(await scripts.restock(step.operation, step.quantity)).toBe(
          model.restock(step.operation, step.quantity),
        );
        return [];
      case "state":
        expect(await scripts.setState(step.state)).toBe(model.setState(step.state));
        return [];
      case "create":
        expect(await scripts.create({}, step.operation)).toBe(
          step.operation === "c1" ? scriptStatus.repeated : scriptStatus.saleExists,
        );
        return [];
      case "lookup": {
        const { status, results } = await scripts.lookup(step.keys, step.fence);
        const found = step.keys.map((key) => (model.orders.has(key) ? "order" : noOrder));
        return this.#answered(step.keys, [status, results], [0, found]);
      }
      case "confirm":
      case "cancel":
        return this.#change(step);
      case "lapse":
        return this.#lapse(step.early, step.most);
    }
  }

  async #hold(asks: readonly Ask[], ref: string, how: How): Promise<readonly Answered[]> {
    const { instance, newer, fence, rightSecret, due } = how;
    const known = this.#model.generations.get(instance) ?? 0;
    const generation = Math.max(0, known + newer);
    await this.#scripts.setHoldMs(due ? 0 : longMs);
    const sold = this.#model.orders.size;
    const { status, results } = this.#model.hold(asks, { instance, generation, rightSecret, due });
    const secret = secretId(rightSecret ? testSecret : "of another sale");
    const sending = { ref, instance, generation, fence, secretId: secret };
    const answer = await this.#scripts.hold(asks, sending);
    const { left, state, limit } = this.#model;
    const epoch = this.#firstEpoch + this.#model.epochs;
    expect(answer).toMatchObject({ left, epoch, state, limit, opensAtMs: 0 });
    if (this.#model.orders.size > sold) {
      this.#batches.push({ ref, asks });
    }
    for (const [index, [key]] of asks.entries()) {
      if (typeof results[index] === "number" && results[index] > 0) {
        this.#heldAtMs.set(key, answer.payByMs - (due ? 0 : longMs));
      }
    }
    const asked = status === scriptStatus.done ? asks.map(([key]) => key) : [];
    return this.#answered(asked, [answer.status, answer.results], [status, results]);
  }

  async #change(step: Step & { kind: "confirm" | "cancel" }): Promise<readonly Answered[]> {
    const named = step.orders.map(([key, wrong]): Named => {
      return { key, serial: (this.#model.orders.get(key)?.serial ?? 1) + wrong };
    });
    const refs = JSON.stringify(named.flatMap(({ key, serial }) => [serial, tokenOf(key)]));
    const { fence } = step;
    const answer =
      step.kind === "confirm"
        ? await this.#scripts.confirmRaw(refs, fence)
        : await this.#scripts.releaseRaw("cancelled", refs, { fence });
    const predicted = this.#model[step.kind](named);
    const { left } = this.#model;
    expect(answer).toMatchObject({ left, epoch: this.#firstEpoch + this.#model.epochs });
    const keys = named.map(({ key }) => key);
    return this.#answered(keys, [answer.status, answer.results], [0, predicted]);
  }

  async #lapse(early: boolean, most: number): Promise<readonly Answered[]> {
    const over = early ? 0 : this.#model.lapse();
    let released = 0;
    for (let more = 1; more === 1;) {
      const answer = await this.#scripts.lapse(most, early ? 0 : undefined);
      expect(answer).toMatchObject({ status: 0, results: [], broken: [] });
      released += answer.released;
      more = answer.more;
    }
    expect(released).toBe(over);
    return [];
  }

  #answered(
    keys: readonly string[],
    [status, results]: readonly [number, readonly (number | string)[]],
    predicted: readonly [number, readonly Predicted[]],
  ): readonly Answered[] {
    const named = results.map((result) => (typeof result === "string" ? "order" : result));
    expect([status, named]).toEqual([predicted[0], [...predicted[1]]]);
    return keys.map((key, index) => ({ key, result: results[index] ?? 0 }));
  }

  #withoutHoldMs(): Readonly<Record<string, string>> {
    return { ...this.#whole.stock, holdMs: "" };
  }

  /** The ledger is what the model is, no more and no less. */
  #compare(): void {
    const { total, state, limit, epochs, serial, records, revision, orders } = this.#model;
    const { stock, operations, definition } = this.#whole;
    const terms = { total, state, limit, revision };
    expect(definition).toMatchObject({ ...terms, secretId: secretId(testSecret) });
    const epoch = this.#firstEpoch + epochs;
    const [held, paid] = [this.#model.tickets("held"), this.#model.tickets("paid")];
    const numbers = { total, limit, revision, epoch, held, paid, serial, records };
    const expected = Object.entries(numbers).map(([name, value]) => [name, String(value)]);
    expect(stock).toMatchObject({ ...Object.fromEntries(expected), state });
    expect([...operations].sort()).toEqual([...this.#model.operations].sort());
    expect(this.#whole.orders.size).toBe(orders.size);
    for (const [key, { due, ...order }] of orders) {
      const token = tokenOf(key);
      const heldAtMs = this.#heldAtMs.get(key) ?? 0;
      const payByMs = heldAtMs + (due ? 0 : longMs);
      const found = this.#whole.orders.get(token);
      const changedAtMs = order.revision === 1 ? heldAtMs : (found?.changedAtMs ?? 0);
      const hash = requestHash(order.buyer, key);
      expect(changedAtMs).toBeGreaterThanOrEqual(heldAtMs);
      const whole: OrderRecord = { ...order, token, heldAtMs, payByMs, changedAtMs, hash };
      expect(found).toEqual(whole);
    }
  }
}

const { noOrder } = scriptStatus;
