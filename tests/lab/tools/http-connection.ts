import { createConnection, type Socket } from "node:net";

import { type HttpAnswer, readAnswer } from "./http-answer.ts";

/** A request that got no answer. */
export class NoAnswer extends Error {
  /** Whether anything of the request was handed to the network: if so, nobody knows its outcome. */
  readonly sent: boolean;

  constructor(reason: string, sent: boolean) {
    super(reason);
    this.sent = sent;
  }
}

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Server {
  readonly host: string;
  readonly port: number;
}

export interface Patience {
  readonly connectMs: number;
  readonly answerMs: number;
}

/**
 * One TCP connection that carries one request at a time. It never sends anything twice: Bun's
 * fetch opens a kept-alive connection anew and repeats a request on it by itself, and whoever counts
 * lost requests would then count none.
 */
export class HttpConnection {
  readonly #server: Server;
  readonly #patience: Patience;
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #open = false;
  #ended: string | null = null;
  /** Told of every change: opened, bytes came, ended. */
  #notify: () => void = () => undefined;

  constructor(server: Server, patience: Patience) {
    this.#server = server;
    this.#patience = patience;
    this.#socket = createConnection({ host: server.host, port: server.port, noDelay: true });
    this.#socket.on("connect", () => {
      this.#open = true;
      this.#notify();
    });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#notify();
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#end(error.code ?? error.message);
    });
    this.#socket.on("end", () => this.#end("closed"));
    this.#socket.on("close", () => this.#end("closed"));
  }

  /** False once it has ended, from whichever side. */
  get usable(): boolean {
    return this.#ended === null;
  }

  /** Waits until it is open. Throws `NoAnswer`, and is of no use then. */
  async open(): Promise<void> {
    await this.#until(() => this.#open, this.#patience.connectMs, "connect", false);
  }

  /** Sends a request and gives its answer. Throws `NoAnswer`, and is of no use then. */
  async request({ method, path, headers = {} }: HttpRequest): Promise<HttpAnswer> {
    await this.open();
    const length = method === "POST" ? { "Content-Length": "0" } : {};
    const all = { Host: this.#server.host, ...length, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#received = Buffer.alloc(0);
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    const found: { answer: HttpAnswer | null } = { answer: null };
    await this.#until(
      () => {
        found.answer = readAnswer(this.#received);
        return found.answer !== null;
      },
      this.#patience.answerMs,
      "answer",
      true,
    );
    const { answer } = found;
    if (answer === null) {
      throw new Error("waited for an answer and has none");
    }
    if (answer.closes) {
      this.close();
    }
    return answer;
  }

  close(): void {
    this.#end("closed by us");
  }

  /** Waits for a condition that only what happens on this connection can change. */
  async #until(condition: () => boolean, limitMs: number, what: string, sent: boolean) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (reason: string) => {
      reject(new NoAnswer(reason, sent));
      this.#end(reason);
    };
    const look = () => {
      try {
        if (condition()) {
          resolve();
        } else if (this.#ended !== null) {
          reject(new NoAnswer(`${what}: ${this.#ended}`, sent));
        }
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error));
      }
    };
    const timer = setTimeout(() => fail(`${what}: time-out`), limitMs);
    this.#notify = look;
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#notify = () => undefined;
    }
  }

  #end(reason: string): void {
    if (this.#ended === null) {
      this.#ended = reason;
      this.#socket.destroy();
      this.#notify();
    }
  }
}
