/** Checks of what Redis returned, since its clients promise no types for scripts. */

export function textOf(value: unknown): string {
  if (typeof value !== "string") {
    throw new TypeError(`a string was expected, got ${JSON.stringify(value)}`);
  }
  return value;
}

export function numberOf(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || Number.isNaN(number)) {
    throw new TypeError(`a number was expected, got ${JSON.stringify(value)}`);
  }
  return number;
}

export function listOf<T>(value: unknown, item: (value: unknown) => T): T[] {
  if (!Array.isArray(value)) {
    throw new TypeError(`an array was expected, got ${JSON.stringify(value)}`);
  }
  return value.map(item);
}

/** What hold.lua or lookup.lua says of one request: a number, or the record of its order. */
export function resultOf(value: unknown): number | string {
  return typeof value === "number" ? value : textOf(value);
}

/** A value of a reply that is a flat list of names and values. */
export function fieldOf(flat: readonly unknown[], name: string): unknown {
  return flat[flat.indexOf(name) + 1];
}
