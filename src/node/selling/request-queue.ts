import type { PendingRequest } from "./pending-request.ts";

/** Places that are free at the front before the array is copied: a copy for 4,096 requests. */
const freePlacesMax = 4_096;

/**
 * Requests that wait for their batch, in order of arrival. Adding and taking cost the same at any
 * length.
 */
export class RequestQueue {
  /** Those before `#head` were taken; their places are null, so that nothing keeps them alive. */
  #requests: (PendingRequest | null)[] = [];
  #head = 0;

  get length(): number {
    return this.#requests.length - this.#head;
  }

  push(request: PendingRequest): void {
    this.#requests.push(request);
  }

  /** The one that has waited longest, or null. */
  get first(): PendingRequest | null {
    return this.#requests[this.#head] ?? null;
  }

  /** Takes out the first. */
  shift(): void {
    this.#requests[this.#head] = null;
    this.#head += 1;
    if (this.#head === this.#requests.length) {
      this.#requests = [];
      this.#head = 0;
    } else if (this.#head >= freePlacesMax) {
      this.#requests = this.#requests.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Takes out all. */
  takeAll(): PendingRequest[] {
    const all = this.#requests.slice(this.#head).filter((request) => request !== null);
    this.#requests = [];
    this.#head = 0;
    return all;
  }

  /** Adds those of `tokens` that wait here to `found`. */
  findAmong(tokens: ReadonlySet<string>, found: Set<string>): void {
    for (let place = this.#head; place < this.#requests.length; place += 1) {
      const { token } = this.#requests[place] as PendingRequest;
      if (tokens.has(token)) {
        found.add(token);
      }
    }
  }
}
