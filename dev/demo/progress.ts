import { SaleOperations } from "../../src/ledger/operations.ts";
import { formatCount } from "../../src/operator/formats/numbers.ts";

export interface ProgressOptions {
  readonly redisUrl: string;
  readonly sale: string;
  /** Nginx's stub_status. */
  readonly statusUrl: string;
  readonly requests: number;
  readonly tickets: number;
  /** What comes when all are answered, in words. */
  readonly next: string;
}

/** How far a crowd was at one moment. */
interface Reading {
  readonly atMs: number;
  readonly answered: number;
  /** Null while the ledger does not answer. */
  readonly left: number | null;
}

/** A terminal is refreshed in place; a log gets a line every few seconds. */
const terminalPauseMs = 250;
const logPauseMs = 3_000;
const readTimeoutMs = 1_000;

/**
 * Shows how a crowd gets on, until all of it is answered or it is stopped. On standard error: it is
 * no result.
 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #stream = process.stderr;
  readonly #operations: SaleOperations;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  /** Nginx counts them as well. */
  #readings = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#operations = new SaleOperations(options.redisUrl);
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const first = await this.#read(0);
    let previous = first;
    while (previous.answered - first.answered < this.#options.requests) {
      await pause(this.#stream.isTTY ? terminalPauseMs : logPauseMs, this.#stop.signal);
      if (this.#stop.signal.aborted) {
        break;
      }
      const now = await this.#read(previous.answered);
      this.#show(first, previous, now);
      previous = now;
    }
    if (this.#stream.isTTY) {
      this.#stream.write("\n");
    }
    if (!this.#stop.signal.aborted) {
      this.#stream.write(`${this.#options.next}\n`);
    }
    this.#operations.close();
  }

  #show(first: Reading, previous: Reading, now: Reading): void {
    const { requests, tickets } = this.#options;
    const seconds = (now.atMs - first.atMs) / 1_000;
    const sinceMs = Math.max(1, now.atMs - previous.atMs);
    const rate = ((now.answered - previous.answered) / sinceMs) * 1_000;
    const answered = now.answered - first.answered;
    const left = now.left === null ? "?" : formatCount(now.left);
    const line =
      `${seconds.toFixed(1).padStart(6)} s  ${formatCount(rate).padStart(7)} requests/s  ` +
      `${formatCount(answered)} of ${formatCount(requests)} requests, ` +
      `${left} of ${formatCount(tickets)} tickets left`;
    this.#stream.write(this.#stream.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  }

  /** What cannot be seen now is shown as it was, or as unknown; the crowd is not disturbed. */
  async #read(answeredBefore: number): Promise<Reading> {
    const { statusUrl, sale } = this.#options;
    this.#readings += 1;
    const readings = this.#readings;
    const [answered, snapshot] = await Promise.all([
      readNginxRequests(statusUrl).then(
        (all) => all - readings,
        () => answeredBefore,
      ),
      this.#operations.read(sale).catch(() => null),
    ]);
    return { atMs: performance.now(), answered, left: snapshot?.left ?? null };
  }
}

/** The third number of "server accepts handled requests". */
async function readNginxRequests(statusUrl: string): Promise<number> {
  const response = await fetch(statusUrl, { signal: AbortSignal.timeout(readTimeoutMs) });
  const requests = /^ *\d+ \d+ (\d+)/m.exec(await response.text())?.[1];
  if (requests === undefined) {
    throw new Error(`${statusUrl} is no stub_status`);
  }
  return Number(requests);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
