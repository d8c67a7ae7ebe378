import type { Logger } from "pino";

import { Connection } from "../ledger/connection.ts";
import { RedisLedger } from "../ledger/redis-ledger.ts";
import { FaultLog } from "../process/fault-log.ts";
import { release } from "../process/release.ts";
import type { NodeConfig } from "./config.ts";
import { Answers } from "./http/answers.ts";
import { TicketServer } from "./http/server.ts";
import { drainListener } from "./listener-drain.ts";
import { NodeMetrics } from "./metrics.ts";
import { SaleDesks } from "./selling/sale-desks.ts";

/** A silent node is forgotten after ten minutes: no command is on its way for that long. */
const forgetMs = 600_000;
/** A node that can sell knows it within some ten milliseconds of its start. */
const startPatienceMs = 1_000;
const startPollMs = 5;
/** How long new connections are ignored, at the least, before the listener is closed. */
const ignoringMsMax = 500;

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
      () => this.#desks,
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
    const random = randomHex(16);
    // Of all sales together: the desk of a sale may be closed and opened anew.
    let batches = 0;
    const ledger = new RedisLedger(this.#connection, {
      instance: `${config.node}/${random}`,
      durability: config.durability,
      replyTimeoutMs: config.replyTimeoutMs,
      // Half, so that a wait that runs out can be distinguished from a connection that is dead.
      durabilityTimeoutMs: Math.floor(config.replyTimeoutMs / 2),
      // Five heartbeats may be lost before the others take this node's share.
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
      makeRef: () => `${random}.${(batches += 1).toString(36)}`,
      makeKey: () => randomHex(32),
      onBatch: (size) => metrics.batch(size),
      onFault: (sale, fault) => {
        metrics.fault("ledger");
        faults.report(`sale ${sale}`, fault);
      },
      onHeartbeatFault: (fault) => {
        metrics.fault("ledger");
        faults.report("heartbeat", fault);
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
   * all the same, a little later, to answer "busy". Throws if the address is taken.
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
   * Drains: is not ready, serves until the balancers noticed, answers what is under way, ends.
   * Every answer closes its connection meanwhile, and Nginx closes those that it does not use
   * within `drainMs` (its keepalive_timeout is shorter). Then no new one is accepted, and when the
   * last one is closed there is none into which Nginx could write a purchase while the node closes
   * it.
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
    const ignoringMs = Math.min(ignoringMsMax, Math.floor(drainMs / 4));
    await Bun.sleep(drainMs - ignoringMs);
    const patienceMs = deadlineMs + 1_000;
    if (ignoringMs > 0) {
      await this.#drainListener(ignoringMs, patienceMs);
    }
    await this.#server.stop(patienceMs);
    this.#desks.stop();
    await this.#connection.close();
    this.#log.info("drained");
  }

  async #drainListener(atLeastMs: number, patienceMs: number): Promise<void> {
    const open = await drainListener(this.#config.port, {
      atLeastMs,
      patienceMs,
      onStillAccepting: (error) =>
        this.#log.warn({ err: error }, "new connections are still accepted while draining"),
    });
    if (open > 0) {
      this.#log.info({ open }, "connections without a request are closed");
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

/** Random bytes drawn at a time; one draw a request would cost more than the request's answer. */
const poolBytes = 8_192;

let pool = "";
let position = 0;

/** Cryptographically random lower-case hex digits: 64 bits in 16 digits, 128 in 32. */
function randomHex(digits: number): string {
  if (position + digits > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(poolBytes)).toHex();
    position = 0;
  }
  position += digits;
  return pool.slice(position - digits, position);
}
