/**
 * What a difference is about. Counted apart in the report are `duplicate`; `lost`, an order without
 * its event; and `missing`, an order that the database does not have.
 */
export type DifferenceKind =
  | "stock"
  | "order"
  | "serial"
  | "event"
  | "batch"
  | "buyer"
  | "deadline"
  | "duplicate"
  | "lost"
  | "missing"
  | "database";

/** One thing that the books do not agree on. */
export interface Difference {
  readonly kind: DifferenceKind;
  /** The order (by its serial), token, batch, buyer, field or stream entry that it is about. */
  readonly subject: string;
  /** One sentence that names the subject and both values. */
  readonly text: string;
}

/** Differences that are kept in words; the others are only counted. */
const keptMax = 1_000;

/** Collects differences: all are counted, the first thousand are kept. */
export class Findings {
  readonly kept: Difference[] = [];
  readonly #counts = new Map<DifferenceKind, number>();

  add(kind: DifferenceKind, subject: string, text: string): void {
    this.#counts.set(kind, this.count(kind) + 1);
    if (this.kept.length < keptMax) {
      this.kept.push({ kind, subject, text });
    }
  }

  count(kind: DifferenceKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) {
      total += count;
    }
    return total;
  }
}

/** A number that Redis holds as text: a whole one from 0 up, or null for anything else. */
export function wholeNumber(text: string | undefined): number | null {
  if (text === undefined || !/^[0-9]{1,16}$/.test(text)) {
    return null;
  }
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : null;
}

/** What stands where something else was expected. */
export function stated(value: string | number | null | undefined): string {
  return value === undefined || value === null ? "nothing" : String(value);
}
