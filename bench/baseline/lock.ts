/** Lets one in at a time, in order. The plain design has one of these around everything. */
export class Lock {
  #last: Promise<void> = Promise.resolve();

  async hold<T>(work: () => T | Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }
}
