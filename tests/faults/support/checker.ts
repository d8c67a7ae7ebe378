import { codes } from "../../../src/sale/codes.ts";
import type { FinalBooks, FinalOrder } from "./final-books.ts";
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
  /** Every request with the key was refused, and the ledger has an order for it all the same. */
  | "refused yet sold"
  /** The ledger has an order that nobody asked for. */
  | "order from nowhere"
  /** An order is not what was asked for, or not what was answered. */
  | "wrong order"
  /** Parts of the ledger contradict each other. */
  | "broken books"
  /** What became of a key was answered wrongly when all was quiet. */
  | "wrong request status";

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

export interface CheckOptions {
  /** Stock never came back, so that "sold out" said once must be true at the end. */
  readonly restocked: boolean;
}

/** What a node makes up where the client gave no key. */
const nodeMadeKey = /^[0-9a-f]{32}$/;

/**
 * Holds what clients were told against the final ledger, as Jepsen's checkers do: `ok` must be in
 * it, exactly once; `fail` must not be; `unknown` may be either.
 *
 * Sound for requests that share a key: an order of a key is explained by any of its requests that
 * is not a failure, so a refusal followed by a success with the same key is no violation. Keyless
 * requests cannot be told apart by what they asked, so their unknowns are only counted.
 */
export function check(history: History, books: FinalBooks, options: CheckOptions): Violation[] {
  return new Checker(history, books, options).run();
}

class Checker {
  readonly #history: History;
  readonly #books: FinalBooks;
  readonly #options: CheckOptions;
  readonly #orders: ReadonlyMap<string, FinalOrder>;
  readonly #byKey = new Map<string, Operation[]>();
  readonly #violations: Violation[] = [];

  constructor(history: History, books: FinalBooks, options: CheckOptions) {
    this.#history = history;
    this.#books = books;
    this.#options = options;
    this.#orders = new Map(books.orders.map((record) => [record.order, record]));
    for (const operation of history.operations) {
      const key = keyOf(operation);
      if (key !== null) {
        this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), operation]);
      }
    }
  }

  run(): Violation[] {
    this.#checkBooks();
    this.#checkStock();
    this.#checkAcknowledged();
    this.#checkKeys();
    this.#checkNodeMade();
    this.#checkRefusals();
    this.#checkRequestStatuses();
    return this.#violations;
  }

  #found(kind: ViolationKind, text: string): void {
    this.#violations.push({ kind, text });
  }

  /** The ledger against itself: requests, serials and stream, one of each for every order. */
  #checkBooks(): void {
    const { requests, orders } = this.#books;
    const serials = new Set<number>();
    const heldEvents = new Map<string, number>();
    for (const order of this.#books.heldEvents) {
      heldEvents.set(order, (heldEvents.get(order) ?? 0) + 1);
    }
    for (const { order, key, serial } of orders) {
      if (requests.get(key) !== order) {
        this.#found("sold twice", `key ${key} has ${requests.get(key)} and also ${order}`);
      }
      if (serials.has(serial)) {
        this.#found("broken books", `serial ${serial} of ${order} was given twice`);
      }
      serials.add(serial);
      const count = heldEvents.get(order) ?? 0;
      if (count !== 1) {
        this.#found("broken books", `${order} has ${count} "held" events instead of one`);
      }
      heldEvents.delete(order);
    }
    for (const order of heldEvents.keys()) {
      this.#found("broken books", `there is a "held" event of ${order}, but no such order`);
    }
    for (const [key, order] of requests) {
      if (this.#orders.get(order)?.key !== key) {
        this.#found("broken books", `key ${key} was sold ${order}, which is not its order`);
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
      if (operation.key !== null && record.key !== operation.key) {
        const told = `${order} was answered to key ${operation.key}`;
        this.#found("wrong order", `${told}, but is that of key ${record.key}`);
      }
      if (operation.key === null && record.quantity !== operation.quantity) {
        const asked = `${operation.quantity} tickets were asked for`;
        this.#found("wrong order", `${asked}, but ${order} has ${record.quantity}`);
      }
      const owner = owners.get(order);
      if (owner !== undefined && (owner.key === null || owner.key !== operation.key)) {
        this.#found("sold twice", `${order} was answered to two different requests`);
      }
      owners.set(order, operation);
    }
  }

  /** Every order of a client's key was asked for, by a request that was not refused. */
  #checkKeys(): void {
    for (const { order, key, quantity, buyer } of this.#books.orders) {
      const asked = this.#byKey.get(key);
      if (asked === undefined) {
        if (!nodeMadeKey.test(key)) {
          this.#found("order from nowhere", `${order} is of key ${key}, which nobody used`);
        }
        continue;
      }
      if (asked.every(({ completion }) => completion.kind === "fail")) {
        const told = asked.map(({ completion }) => JSON.stringify(completion)).join(", ");
        this.#found("refused yet sold", `${order} of key ${key}, which was told ${told}`);
        continue;
      }
      const matches = (one: Operation) =>
        one.quantity === quantity && one.buyer === buyer && one.completion.kind !== "fail";
      if (!asked.some(matches)) {
        const what = `${quantity} tickets for "${buyer}"`;
        this.#found("wrong order", `${order} is for ${what}, which key ${key} never asked for`);
      }
    }
  }

  /** Keyless requests: no more orders than there were requests that were not refused. */
  #checkNodeMade(): void {
    const acknowledged = new Set(
      this.#history.operations.map(({ completion }) =>
        completion.kind === "ok" ? completion.order : "",
      ),
    );
    const strangers = this.#books.orders.filter(
      ({ order, key }) =>
        !this.#byKey.has(key) && nodeMadeKey.test(key) && !acknowledged.has(order),
    );
    const unknown = this.#history.operations.filter(
      (operation) => operation.completion.kind === "unknown" && keyOf(operation) === null,
    );
    if (strangers.length > unknown.length) {
      this.#found(
        "order from nowhere",
        `${strangers.length} orders were answered to nobody, but only ${unknown.length} ` +
          `requests without a key are open; one is ${strangers[0]?.order}`,
      );
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
    for (const { key, order } of this.#history.requestStatuses) {
      const actual = this.#books.requests.get(key) ?? null;
      if (actual !== order) {
        this.#found(
          "wrong request status",
          `key ${key} was said to have ${order}, but has ${actual}`,
        );
      }
    }
  }
}

/** The key that a request is known by: the client's, or the one a node told in its 202. */
function keyOf({ key, completion }: Operation): string | null {
  return key ?? (completion.kind === "unknown" ? completion.key : null);
}
