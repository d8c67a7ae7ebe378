const PROBE_TIMEOUT_MS = 1_000;

/** Whether a GET is answered 200 in time. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      // A kept-alive connection would be to the process that was here before.
      keepalive: false,
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Refused, reset or too slow: not ready, which is all that is asked here.
    return false;
  }
}
