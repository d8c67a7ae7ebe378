/** Pauses of a worker: they end at once when it is asked to stop. */
export class Pause {
  readonly #wakers = new Set<() => void>();
  #stopped = false;

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Ends all pauses, those to come as well. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#wakers) {
      wake();
    }
  }

  /** Waits for so long, or until `stop`. */
  async wait(durationMs: number): Promise<void> {
    if (this.#stopped) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, durationMs);
    this.#wakers.add(resolve);
    await promise;
    this.#wakers.delete(resolve);
    clearTimeout(timer);
  }
}
