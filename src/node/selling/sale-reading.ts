import type { Heartbeat, Ledger, Reply } from "../../ledger/ledger.ts";
import type { SaleSnapshot } from "../../sale/sale.ts";
import { secretId, TokenMaker } from "../../sale/tokens.ts";
import type { SaleView } from "./sale-view.ts";

const unknownView: SaleView = { kind: "unknown" };

/** What a sale's tokens are made with; no maker before the sale was known. */
export interface SaleTokens {
  readonly secretId: string;
  readonly maker: TokenMaker | null;
}

export interface SaleReadingOptions {
  readonly sale: string;
  /** Reads what the tokens of a sale are made from. */
  readonly ledger: Pick<Ledger, "readSecret">;
  /** Reads a sale of the ledger; null: there is no such sale. Never rejects. */
  readonly readSale: (sale: string) => Promise<Reply<SaleSnapshot | null>>;
  readonly nowMs: () => number;
  /** The sale was made anew under its id: what was seen of the one before means nothing. */
  readonly onMadeAnew: () => void;
  readonly onSale: (snapshot: SaleSnapshot) => void;
  readonly onMissing: () => void;
  readonly onFault: (fault: string) => void;
}

/**
 * Reads one sale of the ledger when there is a reason to, and keeps what it replies: the one writer
 * of a sale's view. Reasons are a heartbeat that reports a change, and whoever asks.
 */
export class SaleReading {
  readonly #options: SaleReadingOptions;
  #view: SaleView = unknownView;
  #tokens: SaleTokens = { secretId: "", maker: null };
  /** Of the newest heartbeat on this connection; null before its first. */
  #changed: number | null = null;
  /** What `#changed` was when the sale was asked for: what happened before is in the view. */
  #viewChanged: number | null = null;
  #askedAtMs = -Infinity;
  #underWay: Promise<void> | null = null;

  constructor(options: SaleReadingOptions) {
    this.#options = options;
  }

  get view(): SaleView {
    return this.#view;
  }

  /** What the sale's tokens are made with; it stays, also while nothing is known of the sale. */
  get tokens(): SaleTokens {
    return this.#tokens;
  }

  /** Reads the sale; those who ask while a reading is under way share it. Never rejects. */
  read(): Promise<void> {
    this.#underWay ??= this.#readUntilCurrent().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  /** Reads the sale unless what is known was asked for less than so long ago. Never rejects. */
  async readIfOlder(ageMs: number): Promise<void> {
    if (this.#view.kind === "unknown" || this.#options.nowMs() - this.#askedAtMs >= ageMs) {
      await this.read();
    }
  }

  /** Takes a heartbeat, and reads the sale if it may not be any more what it was. */
  beat({ changed, nowMs }: Heartbeat): void {
    this.#changed = changed;
    if (this.#view.kind === "unknown" || this.#viewChanged !== changed || this.#opensBy(nowMs)) {
      void this.read();
    }
  }

  /** The connection was lost or came back: what is known may be out of date. */
  forget(): void {
    this.#view = unknownView;
    this.#changed = null;
    this.#viewChanged = null;
  }

  /** The opening time of a sale that was not open yet has come, by the ledger's clock. */
  #opensBy(nowMs: number): boolean {
    if (this.#view.kind !== "known") {
      return false;
    }
    const { state, opensAtMs } = this.#view.snapshot;
    return state === "scheduled" && opensAtMs > 0 && opensAtMs <= nowMs;
  }

  /** Once more for each heartbeat that reported a change while the sale was being read. */
  async #readUntilCurrent(): Promise<void> {
    let changed: number | null;
    do {
      changed = this.#changed;
      await this.#readOnce(changed);
    } while (this.#view.kind !== "unknown" && changed !== this.#changed);
  }

  async #readOnce(changed: number | null): Promise<void> {
    const { sale, readSale, nowMs, onSale, onMissing } = this.#options;
    const askedAtMs = nowMs();
    const reply = await readSale(sale);
    if (reply.kind !== "ok") {
      this.#fail(`reading the sale ${reply.kind}: ${reply.reason}`);
      return;
    }
    const fault = await this.#learnSecret(reply.value);
    if (fault !== null) {
      this.#fail(fault);
      return;
    }
    this.#askedAtMs = askedAtMs;
    this.#viewChanged = changed;
    if (reply.value === null) {
      this.#view = { kind: "missing" };
      onMissing();
    } else {
      this.#view = { kind: "known", snapshot: reply.value };
      onSale(reply.value);
    }
  }

  /** Cut off, or refused: selling on what is not known any more would be a guess. */
  #fail(fault: string): void {
    this.#view = unknownView;
    this.#options.onFault(fault);
  }

  /** Reads the sale's secret unless it is known. Returns why it is not. */
  async #learnSecret(snapshot: SaleSnapshot | null): Promise<string | null> {
    if (snapshot === null || this.#tokens.secretId === snapshot.secretId) {
      return null;
    }
    const { sale, ledger, onMadeAnew } = this.#options;
    const reply = await ledger.readSecret(sale);
    if (reply.kind !== "ok") {
      return `reading the sale's secret ${reply.kind}: ${reply.reason}`;
    }
    if (reply.value === null || secretId(reply.value) !== snapshot.secretId) {
      return "the ledger has another secret than the one that the sale names";
    }
    const isAnother = this.#tokens.maker !== null;
    this.#tokens = { secretId: snapshot.secretId, maker: new TokenMaker(sale, reply.value) };
    if (isAnother) {
      onMadeAnew();
    }
    return null;
  }
}
