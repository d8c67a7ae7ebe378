import { CommandError } from "../../src/operator/command.ts";
import { isSystemError } from "../../src/process/errors.ts";

/** What h2load's log has. */
export interface LogRows {
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly answered: number;
  /** Requests that ended without an answer; not every version of h2load logs them. */
  readonly failed: number;
  readonly latenciesMs: ReadonlyMap<number, Float64Array>;
}

/** Start in microseconds since 1970, status or -1, microseconds to the end; later ones may add more. */
const linePattern = /^(\d{1,16})\t(-1|[1-9]\d\d)\t(\d{1,10})(?:\t.*)?$/;
const lineLengthMax = 4_096;
const capacityMin = 1_024;

/**
 * Reads a log piece by piece: ten million lines are 300 MB, their latencies 80 MB. A last line
 * without its end was cut off as it was written, and is left out. Throws `CommandError` for a line
 * of another form.
 */
export async function readLog(path: string): Promise<LogRows> {
  const rows = new RowCollector();
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of openLog(path)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach((line) => rows.add(line));
    if (rest.length > lineLengthMax) {
      rows.add(rest);
    }
  }
  return rows.collect();
}

/** Where nothing could be sent h2load makes the file all the same, but not where it was not asked. */
async function* openLog(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* Bun.file(path).stream();
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) {
      throw error;
    }
    throw new CommandError(`h2load has written no log to ${path}`);
  }
}

class RowCollector {
  readonly #latencies = new Map<number, NumberList>();
  #lines = 0;
  #failed = 0;
  #firstMicros = Infinity;
  #lastMicros = -Infinity;

  add(line: string): void {
    this.#lines += 1;
    const [, start, status, micros] = linePattern.exec(line) ?? [];
    if (start === undefined || status === undefined || micros === undefined) {
      const shown = JSON.stringify(line.slice(0, 80));
      throw new CommandError(
        `line ${this.#lines} of h2load's log is none of h2load 1.52 to 1.64: ${shown}`,
      );
    }
    this.#firstMicros = Math.min(this.#firstMicros, Number(start));
    this.#lastMicros = Math.max(this.#lastMicros, Number(start) + Number(micros));
    if (status === "-1") {
      this.#failed += 1;
      return;
    }
    const list = this.#latencies.get(Number(status)) ?? new NumberList();
    this.#latencies.set(Number(status), list);
    list.push(Number(micros) / 1_000);
  }

  collect(): LogRows {
    const latenciesMs = new Map(
      [...this.#latencies]
        .sort(([left], [right]) => left - right)
        .map(([status, list]) => [status, list.toArray()]),
    );
    return {
      seconds: Math.max(0, this.#lastMicros - this.#firstMicros) / 1_000_000,
      answered: this.#lines - this.#failed,
      failed: this.#failed,
      latenciesMs,
    };
  }
}

/** Eight bytes a number, however many there come. */
class NumberList {
  #values = new Float64Array(capacityMin);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  toArray(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }
}
