/** Asks every `intervalMs` until the answer is true; false if the deadline came first. */
export async function waitUntil(
  deadlineMs: number,
  intervalMs: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const endMs = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() >= endMs) {
      return false;
    }
    await Bun.sleep(intervalMs);
  }
  return true;
}
