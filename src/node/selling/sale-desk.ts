import type { Failure, Heartbeat, Ledger, Reply } from "../../ledger/ledger.ts";
import type { StockView } from "../../sale/local-stock.ts";
import { orderId } from "../../sale/order.ts";
import type { Outcome } from "../../sale/outcome.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import { requestHash } from "../../sale/tokens.ts";
import { GroupCommit } from "./group-commit.ts";
import { OrderDesk } from "./order-desk.ts";
import type { Purchase } from "./pending-request.ts";
import { RequestLookup, type RequestStatus } from "./request-lookup.ts";
import { SaleReading } from "./sale-reading.ts";
import { closedOutcome, type SaleView, soldOut } from "./sale-view.ts";
import { SoldOrders } from "./sold-orders.ts";

export interface SaleDeskOptions {
  readonly ledger: Ledger;
  /** Reads a sale of the ledger, many at a time where many are asked for. Never rejects. */
  readonly readSale: (sale: string) => Promise<Reply<SaleSnapshot | null>>;
  /** Between two heartbeats: what is shown of the sale is not older. */
  readonly heartbeatMs: number;
  readonly weight: number;
  readonly buffer: number;
  readonly batchMax: number;
  readonly queueMax: number;
  /** A request is answered within this, whatever is known by then. */
  readonly deadlineMs: number;
  readonly soldOrdersMax: number;
  readonly nowMs: () => number;
  /** Names a batch among all of the sale, of all processes that ever ran; never twice the same. */
  readonly makeRef: () => string;
  /** Random; given from outside so that tests own it. */
  readonly makeKey: () => string;
  /** A request waits, so that from now on `tick` is to be called. */
  readonly onWaiting: () => void;
  readonly onBatch: (size: number) => void;
  readonly onFault: (sale: string, fault: string) => void;
}

const ledgerAway = { kind: "busy", reason: "ledgerAway" } as const;
const queueFull = { kind: "busy", reason: "queueFull" } as const;

/**
 * Sells one sale on this node: memory where memory is sure, the ledger's group commit otherwise.
 */
export class SaleDesk {
  readonly #options: SaleDeskOptions;
  readonly sale: string;
  /** Payments and cancellations of this sale's orders. */
  readonly orders: OrderDesk;
  readonly #commit: GroupCommit;
  /** The group commit's. */
  readonly #stock: StockView;
  readonly #lookup: RequestLookup;
  readonly #soldOrders: SoldOrders;
  readonly #reading: SaleReading;
  /** Requests that wait until the sale is read, since nothing is known of it. */
  #waitingForReading = 0;
  /** The epoch in which nothing was left at the last heartbeat; null: there was something. */
  #soldOutEpoch: number | null = null;

  constructor(sale: string, options: SaleDeskOptions) {
    this.sale = sale;
    this.#options = options;
    const onFault = (fault: string) => options.onFault(sale, fault);
    this.#reading = new SaleReading({
      ...options,
      sale,
      onFault,
      onMadeAnew: () => this.#forgetStock(),
      onSale: (snapshot) => this.#commit.observe(snapshot),
      onMissing: () => this.#saleIsMissing(),
    });
    this.#commit = new GroupCommit({
      ...options,
      sale,
      refresh: () => void this.refresh(),
      onSoldOut: () => this.#answerQueue(),
      onFault: (failure: Failure) => onFault(`${failure.kind}: ${failure.reason}`),
    });
    this.#stock = this.#commit.stock;
    this.#lookup = new RequestLookup({
      ...options,
      sale,
      onFault,
      pendingAmong: (given) => this.#commit.pendingAmong(given),
      tokens: () => this.#reading.tokens,
    });
    this.#soldOrders = new SoldOrders(sale, options.ledger, options.soldOrdersMax, onFault);
    this.orders = new OrderDesk({
      ...options,
      sale,
      onFault,
      onObservation: (seen) => this.#commit.observe(seen),
    });
  }

  get view(): SaleView {
    return this.#reading.view;
  }

  /** The sale as the ledger reported it when it was read last; null if it is not known. */
  get snapshot(): SaleSnapshot | null {
    const { view } = this;
    return view.kind === "known" ? view.snapshot : null;
  }

  get localStock(): number {
    return Math.max(0, this.#stock.stock);
  }

  get queued(): number {
    return this.#commit.queued;
  }

  /** No request waits or is under way, and none waits for the sale to be read. */
  get idle(): boolean {
    return this.#commit.idle && this.#waitingForReading === 0;
  }

  /** Sold out for sure, by what the ledger reported in this epoch: the answer needs no ledger. */
  get latched(): boolean {
    return this.#closed() === soldOut;
  }

  /** It is certain, from memory, that the sale is sold out and no such request has an order. */
  isUnsold(buyer: string, key: string): boolean {
    const { latched, epoch } = this.#stock;
    const sold = this.#soldOrders;
    return latched && sold.isReadFor(epoch) && !sold.mayHave(buyer, key);
  }

  /** Decides a purchase: at once where memory is sure, through the ledger otherwise. */
  buy(purchase: Purchase): Outcome | Promise<Outcome> {
    return this.decide(purchase) ?? new Promise((settle) => this.ask(purchase, settle));
  }

  /** What memory is sure of, or null: then the ledger has to be asked. */
  decide({ key, buyer }: Purchase): Outcome | null {
    const closed = this.#closed();
    if (closed !== null) {
      return key === null || this.isUnsold(buyer, key) ? closed : null;
    }
    const limit = this.snapshot?.limit ?? 0;
    return limit > 0 && buyer === "" ? { kind: "buyerMissing" } : null;
  }

  /** Asks the ledger. `settle` is called once, at the latest around the deadline. */
  ask(purchase: Purchase, settle: (outcome: Outcome) => void): void {
    const { key } = purchase;
    if (this.view.kind !== "known") {
      void this.#buyOnceKnown(purchase).then(settle);
    } else if (key !== null && this.#closed() !== null) {
      const deadlineMs = this.#options.nowMs() + this.#options.deadlineMs;
      void this.#findOrBuy({ ...purchase, key, deadlineMs }).then(settle);
    } else {
      this.#submit(purchase, settle);
    }
  }

  /** What became of a buyer's request with this key. Never rejects. */
  async requestStatus(buyer: string, key: string): Promise<RequestStatus> {
    if (this.#reading.tokens.maker === null && !(await this.#askForSale())) {
      return queueFull;
    }
    if (this.#reading.tokens.maker !== null) {
      return await this.#lookup.status({ buyer, key });
    }
    return this.view.kind === "missing" ? { kind: "absent" } : ledgerAway;
  }

  /** Reads the sale; those who ask while that is under way share it. Never rejects. */
  refresh(): Promise<void> {
    return this.#reading.read();
  }

  /** Reads the sale unless what is known of it is younger than a heartbeat. Never rejects. */
  freshen(): Promise<void> {
    return this.#reading.readIfOlder(this.#options.heartbeatMs);
  }

  /** The node's heartbeat was answered. Costs nothing where nothing has changed. */
  beat(heartbeat: Heartbeat): void {
    this.#commit.observeLivingWeight(heartbeat.livingWeight);
    const { latched, epoch } = this.#stock;
    if (!latched) {
      this.#soldOrders.reset();
    } else if (this.#soldOutEpoch === epoch) {
      // For a whole heartbeat by now: worth reading the orders, stock is not coming and going.
      void this.#soldOrders.load(epoch);
    }
    this.#soldOutEpoch = latched ? epoch : null;
    this.#reading.beat(heartbeat);
  }

  /** The node's heartbeat had no answer: what is known of the sale may be out of date. */
  beatFailed(): void {
    this.#reading.forget();
  }

  /** Answers what has reached its deadline. To be called often compared with the deadline. */
  tick(): void {
    this.#commit.tick();
  }

  /**
   * The connection to the ledger came back, or was lost: what is known of the sale is stale. It is
   * read after the first heartbeat on the new one.
   */
  connectionChanged(ready: boolean): void {
    this.#reading.forget();
    this.#forgetStock();
    if (ready) {
      this.#commit.resume();
    }
  }

  /** What was seen of stock and orders no longer counts, whatever epoch it is seen in next. */
  #forgetStock(): void {
    this.#commit.forget();
    this.#soldOrders.reset();
    this.#soldOutEpoch = null;
  }

  #saleIsMissing(): void {
    this.#commit.forget();
    for (const request of this.#commit.takeQueue()) {
      request.settle({ kind: "unknownSale" });
    }
  }

  /** Why nothing can be sold now, or null: the one place where that is derived. */
  #closed(): Outcome | null {
    return closedOutcome(this.#reading.view, this.#stock.latched);
  }

  /** Sold out while they waited: those with a key of their own may still have an order. */
  #answerQueue(): void {
    for (const request of this.#commit.takeQueue()) {
      if (request.keyIsClients) {
        void this.#findOrBuy(request).then(request.settle);
      } else {
        request.settle(soldOut);
      }
    }
  }

  #submit(purchase: Purchase, settle: (outcome: Outcome) => void): void {
    const { nowMs, deadlineMs, makeKey, ledger } = this.#options;
    const { maker, secretId } = this.#reading.tokens;
    if (!ledger.ready || maker === null) {
      settle(ledgerAway);
      return;
    }
    const { buyer, quantity } = purchase;
    const key = purchase.key ?? purchase.requestId ?? makeKey();
    const taken = this.#commit.submit({
      key,
      keyIsClients: purchase.key !== null,
      buyer,
      quantity,
      token: maker.token(buyer, key),
      secretId,
      hash: requestHash(buyer, key),
      deadlineMs: purchase.deadlineMs ?? nowMs() + deadlineMs,
      settle,
      answered: false,
    });
    if (!taken) {
      settle(queueFull);
      return;
    }
    this.#options.onWaiting();
  }

  /** Nothing is known of the sale: asks for it first, then decides. */
  async #buyOnceKnown(purchase: Purchase): Promise<Outcome> {
    if (!(await this.#askForSale())) {
      return queueFull;
    }
    switch (this.view.kind) {
      case "unknown":
        return ledgerAway;
      case "missing":
        return { kind: "unknownSale" };
      case "known":
        return this.buy(purchase);
    }
  }

  /** Waits until the sale is read, unless the ledger is away. False: too many wait for it already. */
  async #askForSale(): Promise<boolean> {
    if (!this.#options.ledger.ready) {
      return true;
    }
    if (this.#waitingForReading >= this.#options.queueMax) {
      return false;
    }
    this.#waitingForReading += 1;
    await this.refresh();
    this.#waitingForReading -= 1;
    return true;
  }

  /** Nothing can be sold now, but a request with a key gets the order that it already has. */
  async #findOrBuy(purchase: Purchase & { readonly key: string }): Promise<Outcome> {
    const { key, buyer } = purchase;
    const status = await this.requestStatus(buyer, key);
    switch (status.kind) {
      case "sold": {
        const { serial, quantity, payByMs } = status.order;
        const order = orderId(this.sale, status.order);
        return { kind: "sold", order, serial, quantity, payByMs };
      }
      case "undecided":
        return { kind: "undecided", key };
      case "absent":
        // Stock came back, or the sale was opened, while the key was looked up: then it is bought.
        return this.#closed() ?? new Promise((settle) => this.#submit(purchase, settle));
      case "busy":
        return status;
    }
  }
}
