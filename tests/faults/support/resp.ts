/** A frame beyond this is no frame of ours: a batch has at most 1000 requests of some 300 bytes. */
const frameMaxBytes = 4 * 1024 * 1024;

/**
 * Cuts a stream of RESP2 or RESP3 bytes into frames: commands in one direction, replies in the
 * other. It understands lengths and nothing else.
 */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** Takes bytes as they came, returns the frames that are complete by now. */
  push(bytes: Buffer): Buffer[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Buffer[] = [];
    let start = 0;
    for (let end = frameEnd(all, 0); end !== null; end = frameEnd(all, start)) {
      frames.push(all.subarray(start, end));
      start = end;
    }
    this.#rest = all.subarray(start);
    if (this.#rest.length > frameMaxBytes) {
      throw new Error(`a RESP frame of more than ${frameMaxBytes} bytes`);
    }
    return frames;
  }
}

/** The words of a command: an array of bulk strings, which is what every client sends. */
export function commandWords(frame: Buffer): string[] {
  const words: string[] = [];
  let position = frame.indexOf("\r\n") + 2;
  while (position < frame.length) {
    const lineEnd = frame.indexOf("\r\n", position);
    const length = Number(frame.toString("latin1", position + 1, lineEnd));
    words.push(frame.toString("utf8", lineEnd + 2, lineEnd + 2 + length));
    position = lineEnd + 2 + length + 2;
  }
  return words;
}

/** A message that Redis sends on its own; no command waits for it. */
export function isPush(frame: Buffer): boolean {
  return frame[0] === 0x3e;
}

/** Where the frame that begins at `start` ends, or null while it is not complete. */
function frameEnd(bytes: Buffer, start: number): number | null {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd < 0) {
    return null;
  }
  const next = lineEnd + 2;
  const type = String.fromCharCode(bytes[start] as number);
  const count = Number(bytes.toString("latin1", start + 1, lineEnd));
  switch (type) {
    case "$":
    case "=":
    case "!": {
      const end = count < 0 ? next : next + count + 2;
      return end <= bytes.length ? end : null;
    }
    case "*":
    case "~":
    case ">":
      return itemsEnd(bytes, next, count);
    case "%":
      return itemsEnd(bytes, next, 2 * count);
    default:
      return next;
  }
}

function itemsEnd(bytes: Buffer, start: number, count: number): number | null {
  let position: number | null = start;
  for (let i = 0; i < count && position !== null; i += 1) {
    position = frameEnd(bytes, position);
  }
  return position;
}
