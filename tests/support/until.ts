/**
 * Waits until `condition` gives something other than undefined, null or false, and returns that.
 * Tests wait for what they need, never for a time: the deadline only bounds a failure.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 10_000,
): Promise<NonNullable<T>> {
  const lastMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) {
      return value;
    }
    if (performance.now() > lastMs) {
      throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    }
    await Bun.sleep(5);
  }
}
