import type { Logger } from "pino";

import { redact } from "./redact.ts";

/** The same fault is logged at most once in this time, in milliseconds; the rest is counted. */
const quietMs = 5_000;
/** Different faults remembered at a time. */
const rememberedMax = 100;

interface Seen {
  readonly sinceMs: number;
  suppressed: number;
}

/** Logs faults without letting a storm of the same one fill the disk. */
export class FaultLog {
  readonly #log: Logger;
  readonly #seen = new Map<string, Seen>();

  constructor(log: Logger) {
    this.#log = log;
  }

  report(where: string, text: string): void {
    const fault = redact(text);
    const id = `${where}: ${fault}`;
    const now = performance.now();
    const seen = this.#seen.get(id);
    if (seen !== undefined && now - seen.sinceMs < quietMs) {
      seen.suppressed += 1;
      return;
    }
    if (this.#seen.size >= rememberedMax) {
      this.#seen.clear();
    }
    this.#seen.set(id, { sinceMs: now, suppressed: 0 });
    this.#log.warn({ where, suppressed: seen?.suppressed ?? 0 }, fault);
  }
}
