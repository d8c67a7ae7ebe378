/** Where in an answer the parts are that tell how long it is; they are looked for only once. */
interface Shape {
  readonly bytes: number;
  /** From the start of the status to the end of Content-Length's digits lies all that matters. */
  readonly lengthStart: number;
  readonly lengthDigits: string;
  readonly headEnd: number;
}

const statusStart = "HTTP/1.1 ".length;

/**
 * Reads HTTP/1.1 answers with a Content-Length from one connection, one answer at a time. A load's
 * answers are nearly all of one shape; those are recognised without being read in full, since what
 * the load generator spends is missing to the server beside it.
 */
export class AnswerReader {
  #pending: Buffer | null = null;
  #shape: Shape | null = null;

  /** The status of the answer that these bytes complete, or null if more are to come. */
  take(chunk: Buffer): number | null {
    const shape = this.#shape;
    if (this.#pending === null && shape !== null && hasShape(chunk, shape)) {
      return statusOf(chunk);
    }
    const bytes = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = null;
    const found = shapeOf(bytes);
    if (found === null || found.bytes > bytes.length) {
      // A copy: the chunk's memory is the socket's and is used again.
      this.#pending = Buffer.from(bytes);
      return null;
    }
    if (found.bytes < bytes.length) {
      throw new Error("more bytes came than one answer has");
    }
    this.#shape = found;
    return statusOf(bytes);
  }
}

function statusOf(bytes: Buffer): number {
  const digit = (place: number) => (bytes[statusStart + place] ?? 0) - 48;
  return digit(0) * 100 + digit(1) * 10 + digit(2);
}

function hasShape(bytes: Buffer, shape: Shape): boolean {
  const { lengthStart, lengthDigits, headEnd } = shape;
  if (bytes.length !== shape.bytes || bytes[headEnd] !== 13 || bytes[headEnd + 2] !== 13) {
    return false;
  }
  for (let i = 0; i < lengthDigits.length; i += 1) {
    if (bytes[lengthStart + i] !== lengthDigits.charCodeAt(i)) {
      return false;
    }
  }
  return true;
}

/** Null if the head has not come in full. */
function shapeOf(bytes: Buffer): Shape | null {
  const text = bytes.toString("latin1");
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) {
    return null;
  }
  const head = text.slice(0, headEnd);
  const match = /\r\ncontent-length: *(\d+)/i.exec(head);
  const lengthDigits = match?.[1];
  if (match === null || lengthDigits === undefined) {
    throw new Error(`an answer without Content-Length:\n${head}`);
  }
  const lengthStart = match.index + match[0].length - lengthDigits.length;
  return { bytes: headEnd + 4 + Number(lengthDigits), lengthStart, lengthDigits, headEnd };
}
