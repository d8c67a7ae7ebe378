/** An HTTP/1.1 answer as it stood on the wire. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** The server will close the connection, or has said nothing of keeping it. */
  readonly closes: boolean;
}

/** Far above any answer of ours, so that a server gone mad is found and not collected. */
const answerBytesMax = 64 * 1024;

/** The answer at the start of these bytes, or null if it has not come in full. Throws `Error`. */
export function readAnswer(bytes: Buffer): HttpAnswer | null {
  if (bytes.length > answerBytesMax) {
    throw new Error(`an answer of more than ${answerBytesMax} bytes`);
  }
  const text = bytes.toString("latin1");
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) {
    return null;
  }
  const [statusLine = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) {
    throw new Error(`no HTTP/1.1 answer: ${statusLine.slice(0, 60)}`);
  }
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = readBody(text.slice(headEnd + 4), headers);
  if (body === null) {
    return null;
  }
  const closes = /\bclose\b/i.test(headers.get("connection") ?? "");
  return { status, headers, body: Buffer.from(body, "latin1").toString("utf8"), closes };
}

function readBody(rest: string, headers: ReadonlyMap<string, string>): string | null {
  if (/\bchunked\b/i.test(headers.get("transfer-encoding") ?? "")) {
    return readChunks(rest);
  }
  const length = Number(headers.get("content-length"));
  if (!headers.has("content-length") || !Number.isSafeInteger(length)) {
    throw new Error("an answer that does not say how long it is");
  }
  if (rest.length > length) {
    throw new Error("more bytes came than one answer has");
  }
  return rest.length < length ? null : rest;
}

function readChunks(rest: string): string | null {
  let body = "";
  let place = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", place);
    if (lineEnd === -1) {
      return null;
    }
    const length = Number.parseInt(rest.slice(place, lineEnd), 16);
    if (Number.isNaN(length)) {
      throw new Error("a chunk that does not say how long it is");
    }
    const end = lineEnd + 2 + length + 2;
    if (rest.length < end) {
      return null;
    }
    if (length === 0) {
      return body;
    }
    body += rest.slice(lineEnd + 2, end - 2);
    place = end;
  }
}
