import { connect, type Socket } from "node:net";

import type { Fault } from "./fault.ts";
import { commandWords, FrameSplitter, isPush } from "./resp.ts";

export interface ProxyLinkOptions {
  readonly blackHole: () => boolean;
  readonly choose: (words: readonly string[]) => Fault;
  /** Redis answered a command, whether or not the answer goes any further. */
  readonly onAnswered: (fault: Fault) => void;
  /** Both sides are closed. */
  readonly onEnd: () => void;
}

/** Bytes that one direction may hold back; beyond that its sender has to wait. */
const waitingMaxBytes = 1024 * 1024;

/** One client connection of a `FaultProxy` with its own connection to Redis. */
export class ProxyLink {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #options: ProxyLinkOptions;
  /** Each direction is a chain, so that nothing overtakes what is late. */
  #toServer: Promise<void> = Promise.resolve();
  #toClient: Promise<void> = Promise.resolve();
  /** The fault of each command that was forwarded and not answered, in order. */
  readonly #unanswered: Fault[] = [];
  #waitingBytes = 0;
  #release: (() => void) | null = null;
  #mute = false;
  #openSockets = 2;
  /** A black hole took something: the stream has a gap, and can never be used again. */
  swallowed = false;

  constructor(client: Socket, upstreamPort: number, options: ProxyLinkOptions) {
    this.#client = client;
    this.#options = options;
    this.#server = connect({ port: upstreamPort, host: "127.0.0.1", noDelay: true });
    client.setNoDelay(true);
    const [commands, replies] = [new FrameSplitter(), new FrameSplitter()];
    client.on("data", (bytes: Buffer) => {
      for (const frame of commands.push(bytes)) {
        this.#queueCommand(frame);
      }
    });
    this.#server.on("data", (bytes: Buffer) => {
      for (const frame of replies.push(bytes)) {
        const fault = isPush(frame) ? undefined : this.#unanswered.shift();
        if (fault !== undefined) {
          options.onAnswered(fault);
        }
        this.#toClient = this.#toClient.then(() => this.#forwardReply(frame, fault));
      }
    });
    for (const socket of [client, this.#server]) {
      // A reset is what these connections are for; "close" follows and is acted upon.
      socket.on("error", () => undefined);
      socket.on("close", () => this.#closed(socket));
    }
  }

  /** A command is held back now. */
  get holding(): boolean {
    return this.#release !== null;
  }

  /** Lets the command that is held back go on. */
  release(): void {
    this.#release?.();
    this.#release = null;
  }

  cut(): void {
    this.release();
    this.#client.destroy();
    this.#server.destroy();
  }

  #queueCommand(frame: Buffer): void {
    this.#waitingBytes += frame.length;
    if (this.#waitingBytes > waitingMaxBytes) {
      this.#client.pause();
    }
    this.#toServer = this.#toServer.then(async () => {
      await this.#forwardCommand(frame);
      this.#waitingBytes -= frame.length;
      if (this.#waitingBytes <= waitingMaxBytes) {
        this.#client.resume();
      }
    });
  }

  async #forwardCommand(frame: Buffer): Promise<void> {
    if (this.#options.blackHole() || this.swallowed) {
      this.swallowed = true;
      return;
    }
    if (this.#server.destroyed) {
      return;
    }
    const fault = this.#options.choose(commandWords(frame));
    if (fault.kind === "cutBefore") {
      this.cut();
      return;
    }
    if (fault.kind === "holdBack") {
      await this.#heldBack(fault.releaseMs);
    } else if (fault.kind === "delay") {
      await Bun.sleep(fault.requestMs);
    }
    if (!this.#server.destroyed) {
      this.#unanswered.push(fault);
      this.#server.write(frame);
    }
  }

  async #heldBack(releaseMs: number | null): Promise<void> {
    const released = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    const timer = releaseMs === null ? null : setTimeout(() => this.release(), releaseMs);
    await released;
    if (timer !== null) {
      clearTimeout(timer);
    }
  }

  async #forwardReply(frame: Buffer, fault: Fault | undefined): Promise<void> {
    if (this.#options.blackHole()) {
      this.swallowed = true;
    }
    if (this.#mute || this.swallowed || this.#client.destroyed) {
      return;
    }
    switch (fault?.kind) {
      case "loseReply":
        this.#mute = true;
        return;
      case "cutAfter":
        this.cut();
        return;
      case "truncateReply":
        this.#mute = true;
        this.#client.end(frame.subarray(0, Math.ceil(frame.length / 2)));
        return;
      case "delay":
        await Bun.sleep(fault.replyMs);
        break;
      case "pass":
      case "holdBack":
      case "cutBefore":
      case undefined:
        break;
    }
    if (!this.#client.destroyed) {
      this.#client.write(frame);
    }
  }

  #closed(socket: Socket): void {
    this.#openSockets -= 1;
    if (socket === this.#client) {
      // What the client sent before it closed is on its way and arrives all the same.
      this.#toServer = this.#toServer.then(() => {
        this.#server.end();
      });
    } else {
      this.release();
      this.#toClient = this.#toClient.then(() => {
        this.#client.destroySoon();
      });
    }
    if (this.#openSockets === 0) {
      this.#options.onEnd();
    }
  }
}
