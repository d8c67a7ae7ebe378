import type { Logger } from "pino";

import { Connection } from "../ledger/connect.ts";
import { RedisLedger } from "../ledger/redis-ledger.ts";
import { FaultLog } from "../process/fault-log.ts";
import { release } from "../process/release.ts";
import type { NodeConfig } from "./config.ts";
import { Answers } from "./http/answers.ts";
import { TicketServer } from "./http/server.ts";
import { countConnections, hearThoseInside, shutDoor } from "./listener-drain.ts";
import { NodeMetrics } from "./metrics.ts";
import { randomHex } from "./random-ids.ts";
import { SaleDesks } from "./selling/sale-desks.ts";

/** A silent node is forgotten after ten minutes: no command is on its way for that long. */
const forgetMs = 600_000;
/** A node that can sell knows it within some ten milliseconds of its start. */
const startPatienceMs = 1_000;
const startPollMs = 5;
/** How long the door is shut at the least before the listener is closed. */
const shutMsMax = 500;
const emptyPollMs = 20;

/** A ticket node: its parts, put together. */
export class TicketNode {
  readonly #config: NodeConfig;
  readonly #log: Logger;
  readonly #connection: Connection;
  readonly #desks: SaleDesks;
  readonly #answers: Answers;
  readonly #server: TicketServer;
  #draining = false;

  constructor(config: NodeConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    const faults = new FaultLog(log);
    const metrics: NodeMetrics = new NodeMetrics(
      config.node,
      () => this.#desks.all(),
      () => this.#unready() === null,
    );
    this.#connection = new Connection({
      url: config.redis,
      name: `sluice-${config.node}`,
      connectTimeoutMs: 1_000,
      // A Redis that loads its data is asked anew on another connection; what this bounds is how
      // long a lost answer to the handshake keeps a node from selling.
      readyTimeoutMs: 2_000,
      retryMinMs: 50,
      retryMaxMs: 500,
      onFault: (fault) => {
        metrics.fault("connection");
        faults.report("connection", fault.message);
      },
    });
    const ledger = new RedisLedger(this.#connection, {
      instance: `${config.node}/${randomHex(16)}`,
      durability: config.durability,
      replyTimeoutMs: config.replyTimeoutMs,
      // Half, so that a wait that runs out is told apart from a connection that is dead.
      durabilityTimeoutMs: Math.floor(config.replyTimeoutMs / 2),
      // Five beats may be lost before the others take this node's share.
      livingMs: config.heartbeatMs * 5,
      forgetMs,
      onRoundTrip: (script, durationMs) => metrics.roundTrip(script, durationMs),
    });
    this.#connection.onChange((live) => {
      log.info({ generation: live?.generation }, live === null ? "ledger lost" : "ledger ready");
    });
    this.#desks = new SaleDesks({
      ...config,
      ledger,
      defaultSale: config.sale,
      desksMax: 256,
      idleMs: 300_000,
      nowMs: () => performance.now(),
      makeKey: () => randomHex(32),
      makeToken: () => randomHex(16),
      onBatch: (size) => metrics.batch(size),
      onFault: (sale, fault) => {
        metrics.fault("ledger");
        faults.report(`sale ${sale}`, fault);
      },
    });
    this.#answers = new Answers(config.node, config.locale);
    this.#server = new TicketServer({
      host: config.host,
      port: config.port,
      idleSeconds: config.idleSeconds,
      answers: this.#answers,
      desks: this.#desks,
      metrics,
      paymentSecret: config.paymentSecret,
      unready: () => this.#unready(),
      onInternalError: (error) => log.error({ err: error }, "a request failed"),
    });
  }

  /**
   * Connects to the ledger and listens, in this order: Nginx tries a node from the moment it
   * listens, and one that cannot sell yet would refuse. Where the ledger is away the node listens
   * all the same, a little later, to say so. Throws if the address is taken.
   */
  async start(): Promise<void> {
    this.#connection.open();
    this.#desks.start();
    const endMs = performance.now() + startPatienceMs;
    while (this.#unready() !== null && !this.#draining && performance.now() < endMs) {
      await Bun.sleep(startPollMs);
    }
    if (this.#draining) {
      return;
    }
    this.#server.start();
    const { node, host, port, weight, durability, sale } = this.#config;
    this.#log.info({ release, node, host, port, weight, durability, sale }, "ticket node is up");
    if (this.#config.paymentSecret === null) {
      this.#log.warn("SLUICE_PAYMENT_SECRET is not set: no payment will be accepted");
    }
  }

  /**
   * Drains: tells the balancers, serves until they noticed, answers what is under way, ends. Every
   * answer closes its connection meanwhile, and Nginx closes those that it does not use within
   * `drainMs` (its keepalive_timeout is shorter). Then nobody new is let in, and when the last one
   * is gone there is no connection into which Nginx could write a purchase while the node closes it.
   */
  async drain(): Promise<void> {
    if (this.#draining) {
      return;
    }
    this.#draining = true;
    const { drainMs, deadlineMs } = this.#config;
    this.#log.info({ drainMs }, "draining");
    this.#answers.closeConnections();
    await this.#desks.leave();
    const shutMs = Math.min(shutMsMax, Math.floor(drainMs / 4));
    await Bun.sleep(drainMs - shutMs);
    const patienceMs = deadlineMs + 1_000;
    if (shutMs > 0) {
      await this.#untilEmpty(this.#shutDoor(), shutMs, patienceMs);
    }
    await this.#server.stop(patienceMs);
    this.#desks.stop();
    await this.#connection.close();
    this.#log.info("drained");
  }

  /** False where the door cannot be shut: without the kernel's option, or the engine's ffi. */
  #shutDoor(): boolean {
    try {
      shutDoor(this.#config.port);
      return true;
    } catch (error) {
      this.#log.warn({ err: error }, "new connections are not kept out while draining");
      return false;
    }
  }

  /** Waits until the last connection is gone: at least `shutMs`, and at most `patienceMs` more. */
  async #untilEmpty(isShut: boolean, shutMs: number, patienceMs: number): Promise<void> {
    const { port } = this.#config;
    const shutUntilMs = performance.now() + shutMs;
    const endMs = shutUntilMs + patienceMs;
    let open: number;
    do {
      await Bun.sleep(emptyPollMs);
      if (isShut) {
        hearThoseInside(port);
      }
      open = countConnections(port);
    } while (performance.now() < (open > 0 ? endMs : shutUntilMs));
    if (open > 0) {
      this.#log.info({ open }, "connections that said nothing are closed");
    }
  }

  #unready(): string | null {
    if (this.#draining) {
      return "draining";
    }
    if (this.#connection.live === null) {
      return "cut off from the ledger";
    }
    const { default: desk } = this.#desks;
    return desk.view.kind === "unknown" ? "the ledger did not answer" : null;
  }
}
