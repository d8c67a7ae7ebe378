import type { Redis } from "ioredis";

import { reasonOf } from "../process/errors.ts";
import { redactAddress } from "../process/redact.ts";
import { connect, FormatError } from "./connect.ts";

/** What an operator asked for cannot be done; the message has the reason and what to do. */
export class OperationError extends Error {
  override name = "OperationError";
}

/** Of an operator's connection, all of them. */
const bounds = { connectTimeoutMs: 2_000, readyTimeoutMs: 10_000, commandTimeoutMs: 5_000 };
const retryPauseMs = 200;

/**
 * An operator's connection to a ledger: made when it is needed, kept until `close`. Every command is
 * bounded in time. Throws `OperationError` where the ledger does not answer, or refuses arguments.
 */
export class LedgerSession {
  readonly #url: string;
  #client: Redis | null = null;

  constructor(url: string) {
    this.#url = url;
  }

  /** Runs commands, up to `attemptsMax` times: only what is harmless to repeat may be tried again. */
  async run<T>(work: (client: Redis) => Promise<T>, attemptsMax = 1): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work(await this.#connected());
      } catch (error) {
        this.close();
        if (error instanceof OperationError) {
          throw error;
        }
        if (error instanceof FormatError) {
          throw new OperationError(`${redactAddress(this.#url)}: ${error.message}`);
        }
        const reason = reasonOf(error);
        if (reason.startsWith("BADARG")) {
          throw new OperationError(reason.slice("BADARG ".length));
        }
        if (attempt >= attemptsMax) {
          throw new OperationError(
            `the ledger at ${redactAddress(this.#url)} did not answer: ${reason}`,
          );
        }
        await Bun.sleep(retryPauseMs);
      }
    }
  }

  close(): void {
    this.#client?.disconnect();
    this.#client = null;
  }

  async #connected(): Promise<Redis> {
    this.#client ??= await connect({ url: this.#url, name: "sluice-operator", ...bounds });
    return this.#client;
  }
}

/** A session for as long as `work`. Throws `OperationError` where the ledger does not answer. */
export async function withSession<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const session = new LedgerSession(url);
  try {
    return await session.run(work);
  } finally {
    session.close();
  }
}
