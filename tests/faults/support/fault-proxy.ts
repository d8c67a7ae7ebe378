import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

import { scripts } from "../../../src/ledger/scripts.ts";
import { type Fault, type FaultKind, pass } from "./fault.ts";
import { ProxyLink } from "./proxy-link.ts";

export type ScriptName = keyof typeof scripts;

/** A command on its way to Redis. */
export interface Command {
  readonly words: readonly string[];
  /** The script that it calls by its SHA-1, or null. */
  readonly script: ScriptName | null;
  /** 1 for the proxy's first client connection, and so on. */
  readonly connection: number;
}

const connectionsMax = 200;
const scriptsBySha1 = new Map(
  Object.entries(scripts).map(([name, { sha1 }]) => [sha1, name as ScriptName]),
);

export function scriptOf(words: readonly string[]): ScriptName | null {
  return words[0]?.toLowerCase() === "evalsha" ? (scriptsBySha1.get(words[1] ?? "") ?? null) : null;
}

/**
 * A TCP proxy between a node and Redis that does what networks do, on command: set `choose`, which
 * is asked about every command, or take the whole line away with `stopAccepting` and `blackHole`.
 */
export class FaultProxy {
  /** Asked about every command; gives `pass` unless it is set. */
  choose: (command: Command) => Fault = () => pass;
  readonly #upstreamPort: number;
  readonly #links = new Set<ProxyLink>();
  readonly #scriptCalls = new Map<ScriptName, number>();
  readonly #faults = new Map<FaultKind, number>();
  readonly #answered = new Map<FaultKind, number>();
  #server: Server | null = null;
  #port = 0;
  #connections = 0;
  #blackHole = false;

  private constructor(upstreamPort: number) {
    this.#upstreamPort = upstreamPort;
  }

  static async start(upstreamPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstreamPort);
    await proxy.accept();
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}/0`;
  }

  /** Client connections that were ever accepted. */
  get connections(): number {
    return this.#connections;
  }

  /** Commands that are held back now. */
  get heldBack(): number {
    return [...this.#links].filter((link) => link.holding).length;
  }

  /** Connections that lost something in the black hole. */
  get swallowing(): number {
    return [...this.#links].filter((link) => link.swallowed).length;
  }

  /** How often a script was sent, whatever became of it. */
  scriptCalls(script: ScriptName): number {
    return this.#scriptCalls.get(script) ?? 0;
  }

  /** How often a fault was done. */
  faults(kind: FaultKind): number {
    return this.#faults.get(kind) ?? 0;
  }

  /** How many commands that suffered a fault were executed and answered by Redis. */
  answered(kind: FaultKind): number {
    return this.#answered.get(kind) ?? 0;
  }

  /** The next `count` commands that call `script` suffer `fault`, all others pass. */
  next(script: ScriptName, fault: Fault, count = 1): void {
    let left = count;
    this.choose = (command) => {
      if (command.script !== script || left === 0) {
        return pass;
      }
      left -= 1;
      return fault;
    };
  }

  /** New connections are refused; those there are go on. */
  async stopAccepting(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server !== null) {
      await new Promise<void>((resolve) => {
        // It waits for open connections too; those are not this call's business.
        server.close();
        setImmediate(resolve);
      });
    }
  }

  /** Accepts connections, the first time or again on the same port. */
  async accept(): Promise<void> {
    if (this.#server !== null) {
      return;
    }
    const server = createServer((client) => this.#take(client));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** From now on nothing gets through, though connections stay open and are accepted. */
  blackHole(): void {
    this.#blackHole = true;
  }

  /** The black hole is gone, and with it the connections that lost something in it. */
  heal(): void {
    this.#blackHole = false;
    for (const link of this.#links) {
      if (link.swallowed) {
        link.cut();
      }
    }
  }

  /** What was held back arrives at last. */
  deliverHeldBack(): void {
    for (const link of this.#links) {
      link.release();
    }
  }

  /** Cuts every connection. */
  cutAll(): void {
    for (const link of this.#links) {
      link.cut();
    }
  }

  /** Cuts every connection and stops accepting. */
  async close(): Promise<void> {
    await this.stopAccepting();
    this.cutAll();
  }

  #take(client: Socket): void {
    if (this.#links.size >= connectionsMax) {
      client.destroy();
      return;
    }
    this.#connections += 1;
    const connection = this.#connections;
    const link = new ProxyLink(client, this.#upstreamPort, {
      blackHole: () => this.#blackHole,
      choose: (words) => this.#chosen({ words, script: scriptOf(words), connection }),
      onAnswered: ({ kind }) => this.#answered.set(kind, this.answered(kind) + 1),
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }

  #chosen(command: Command): Fault {
    if (command.script !== null) {
      this.#scriptCalls.set(command.script, this.scriptCalls(command.script) + 1);
    }
    const fault = this.choose(command);
    this.#faults.set(fault.kind, this.faults(fault.kind) + 1);
    return fault;
  }
}
