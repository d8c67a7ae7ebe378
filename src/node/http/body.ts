/** A body beyond this is answered 413, in bytes. The largest sensible one has some hundred. */
const bodyMaxBytes = 4_096;
/** Beyond this Bun itself cuts the request off, before it reaches any code of ours. */
export const bodyHardMaxBytes = 65_536;

/** Whether the headers declare a body that is too large. */
export function declaresTooLarge(request: Request): boolean {
  const length = request.headers.get("content-length");
  return length !== null && Number(length) > bodyMaxBytes;
}

/** Whether the headers declare that there is no body. */
export function declaresNoBody(request: Request): boolean {
  const length = request.headers.get("content-length");
  return (length === null || length === "0") && request.headers.get("transfer-encoding") === null;
}

/** The body as text, or null if it is too large. */
export async function readBody(request: Request): Promise<string | null> {
  if (declaresTooLarge(request)) {
    return null;
  }
  const text = await request.text();
  return text.length > bodyMaxBytes ? null : text;
}
