import { codes } from "../../../src/sale/codes.ts";
import { parseOrderId } from "../../../src/sale/order.ts";
import { requestHash } from "../../../src/sale/tokens.ts";
import { type FinalBooks, type FinalOrder, orderOf } from "./final-books.ts";
import type { History, Operation } from "./history.ts";

export type ViolationKind =
  /** More tickets are held than there are. */
  | "oversold"
  /** Somebody was told "sold out", or "fewer left", while that many tickets were left. */
  | "undersold"
  /** Somebody was told "sold", and the ledger does not have that order. */
  | "lost order"
  /** A request has more than one order, or an order belongs to two requests. */
  | "sold twice"
  /** Each time it was asked for a request was refused, and the ledger has an order for it. */
  | "refused yet sold"
  /** The ledger has an order that nobody asked for. */
  | "order from nowhere"
  /** An order is not what was asked for, or not what was answered. */
  | "wrong order"
  /** Parts of the ledger contradict each other. */
  | "broken books"
  /** What became of a request was answered wrongly when all was quiet. */
  | "wrong request status";

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

export interface CheckOptions {
  /** Stock never came back, so that "sold out" said once must be true at the end. */
  readonly restocked: boolean;
}

/**
 * Holds what clients were told against the final ledger, as Jepsen's checkers do: `ok` must be in
 * it, exactly once; `fail` must not be; `unknown` may be either.
 *
 * The ledger has no keys, but tokens, which follow from buyer and key. Sound for requests that share
 * both: their order is explained by any of them that is not a failure, so a refusal followed by a
 * success is no violation. What a node made up a key for, and could not tell it, has a token that
 * nobody knows: such orders are only counted, by buyer and quantity.
 */
export function check(history: History, books: FinalBooks, options: CheckOptions): Violation[] {
  return new Checker(history, books, options).run();
}

class Checker {
  readonly #history: History;
  readonly #books: FinalBooks;
  readonly #options: CheckOptions;
  readonly #orders: ReadonlyMap<string, FinalOrder>;
  readonly #byToken = new Map<string, Operation[]>();
  readonly #violations: Violation[] = [];

  constructor(history: History, books: FinalBooks, options: CheckOptions) {
    this.#history = history;
    this.#books = books;
    this.#options = options;
    this.#orders = new Map(books.orders.map((record) => [record.order, record]));
    for (const operation of history.operations) {
      const key = keyOf(operation);
      if (key !== null) {
        const token = books.tokenOf(operation.buyer, key);
        this.#byToken.set(token, [...(this.#byToken.get(token) ?? []), operation]);
      }
    }
  }

  run(): Violation[] {
    this.#checkBooks();
    this.#checkStock();
    this.#checkAcknowledged();
    this.#checkAsked();
    this.#checkStrangers();
    this.#checkRefusals();
    this.#checkRequestStatuses();
    return this.#violations;
  }

  #found(kind: ViolationKind, text: string): void {
    this.#violations.push({ kind, text });
  }

  /** The ledger against itself: serials and stream, one of each for every order. */
  #checkBooks(): void {
    const serials = new Set<number>();
    const heldEvents = new Map<string, number>();
    for (const order of this.#books.heldEvents) {
      heldEvents.set(order, (heldEvents.get(order) ?? 0) + 1);
    }
    const tokens = new Map<string, string>();
    for (const { order, token, serial } of this.#books.orders) {
      if (serials.has(serial)) {
        this.#found("broken books", `serial ${serial} of ${order} was given twice`);
      }
      serials.add(serial);
      tokens.set(token, order);
      const count = heldEvents.get(order) ?? 0;
      if (count !== 1) {
        this.#found("broken books", `${order} has ${count} "held" events instead of one`);
      }
      heldEvents.delete(order);
    }
    for (const order of heldEvents.keys()) {
      const another = tokens.get(parseOrderId(order)?.token ?? "");
      if (another === undefined) {
        this.#found("broken books", `there is a "held" event of ${order}, but no such order`);
      } else {
        this.#found("sold twice", `${another} was sold as ${order} as well`);
      }
    }
  }

  #checkStock(): void {
    const { total, held, paid, orders } = this.#books;
    const sold = orders
      .filter(({ state }) => state !== "released")
      .reduce((tickets, { quantity }) => tickets + quantity, 0);
    if (held + paid > total || sold > total) {
      this.#found("oversold", `${Math.max(held + paid, sold)} tickets are sold of ${total}`);
    }
    if (held + paid !== sold) {
      this.#found("broken books", `${held + paid} are held or paid, but the orders make ${sold}`);
    }
  }

  /** Every "sold" is in the ledger, as it was answered. */
  #checkAcknowledged(): void {
    const owners = new Map<string, Operation>();
    for (const operation of this.#history.operations) {
      const { completion } = operation;
      if (completion.kind !== "ok") {
        continue;
      }
      const { order, serial, quantity } = completion;
      const record = this.#orders.get(order);
      if (record === undefined) {
        this.#found("lost order", `${order} was answered, but the ledger does not have it`);
        continue;
      }
      if (record.serial !== serial || record.quantity !== quantity) {
        const told = `serial ${serial} and ${quantity} tickets`;
        const has = `${record.serial} and ${record.quantity}`;
        this.#found("wrong order", `${order} was answered with ${told}; the ledger has ${has}`);
      }
      const { key, buyer } = operation;
      if (key !== null && record.token !== this.#books.tokenOf(buyer, key)) {
        const told = `${order} was answered to key ${key} of "${buyer}"`;
        this.#found("wrong order", `${told}, but is another request's`);
      }
      if (key === null && (record.quantity !== operation.quantity || record.buyer !== buyer)) {
        const asked = `${operation.quantity} tickets for "${buyer}" were asked for`;
        const has = `${record.quantity} for "${record.buyer}"`;
        this.#found("wrong order", `${asked}, but ${order} has ${has}`);
      }
      const owner = owners.get(order);
      if (
        owner !== undefined &&
        (owner.key === null || owner.key !== key || owner.buyer !== buyer)
      ) {
        this.#found("sold twice", `${order} was answered to two different requests`);
      }
      owners.set(order, operation);
    }
  }

  /** Every order of a request whose key is known was asked for, and not always refused. */
  #checkAsked(): void {
    for (const { order, token, quantity, buyer, hash } of this.#books.orders) {
      const asked = this.#byToken.get(token);
      const key = asked?.[0] === undefined ? null : keyOf(asked[0]);
      if (asked === undefined || key === null) {
        continue;
      }
      if (asked.every(({ completion }) => completion.kind === "fail")) {
        const told = asked.map(({ completion }) => JSON.stringify(completion)).join(", ");
        this.#found("refused yet sold", `${order} of key ${key}, which was told ${told}`);
        continue;
      }
      const matches = (one: Operation) =>
        one.quantity === quantity && one.buyer === buyer && one.completion.kind !== "fail";
      if (!asked.some(matches) || hash !== requestHash(buyer, key)) {
        const what = `${quantity} tickets for "${buyer}"`;
        this.#found("wrong order", `${order} is for ${what}, which key ${key} never asked for`);
      }
    }
  }

  /**
   * Orders of unknown tokens that nobody was told of: no more than there were requests, for the same
   * buyer and as many tickets, of which nobody knows what became nor by what key to ask.
   */
  #checkStrangers(): void {
    const told = new Set(
      this.#history.operations.map(({ completion }) =>
        completion.kind === "ok" ? completion.order : "",
      ),
    );
    const open = new Map<string, number>();
    for (const operation of this.#history.operations) {
      if (operation.completion.kind === "unknown" && keyOf(operation) === null) {
        const what = `${operation.quantity} for "${operation.buyer}"`;
        open.set(what, (open.get(what) ?? 0) + 1);
      }
    }
    for (const { order, token, quantity, buyer } of this.#books.orders) {
      if (this.#byToken.has(token) || told.has(order)) {
        continue;
      }
      const what = `${quantity} for "${buyer}"`;
      const left = open.get(what) ?? 0;
      if (left === 0) {
        this.#found("order from nowhere", `${order} is of ${what}, which nobody asked for`);
      }
      open.set(what, Math.max(0, left - 1));
    }
  }

  /** "Sold out" and "fewer left" must have been true. */
  #checkRefusals(): void {
    const { total, held, paid } = this.#books;
    const left = total - held - paid;
    for (const { completion, quantity } of this.#history.operations) {
      if (completion.kind !== "fail") {
        continue;
      }
      if (completion.status === 410 && left > 0 && !this.#options.restocked) {
        this.#found("undersold", `"sold out" was answered, but ${left} tickets are left`);
        return;
      }
      if (completion.code === codes.fewerLeft && (completion.left ?? quantity) >= quantity) {
        const text = `${quantity} tickets were refused with ${completion.left} left`;
        this.#found("undersold", text);
      }
    }
  }

  #checkRequestStatuses(): void {
    for (const { buyer, key, order } of this.#history.requestStatuses) {
      const actual = orderOf(this.#books, { buyer, key });
      if (actual !== order) {
        const said = `key ${key} of "${buyer}" was said to have ${order}`;
        this.#found("wrong request status", `${said}, but has ${actual}`);
      }
    }
  }
}

/** The key that a request is known by: the client's, or the one a node told in its 202. */
function keyOf({ key, completion }: Operation): string | null {
  return key ?? (completion.kind === "unknown" ? completion.key : null);
}
