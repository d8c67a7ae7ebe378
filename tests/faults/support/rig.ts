import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodesKey, saleKeys } from "../../../src/ledger/keys.ts";
import { SaleOperations } from "../../../src/ledger/operations.ts";
import { encodeHoldBatch } from "../../../src/ledger/script-codec.ts";
import { scripts } from "../../../src/ledger/scripts.ts";
import { orderId } from "../../../src/sale/order.ts";
import type { SaleSnapshot } from "../../../src/sale/sale.ts";
import { requestHash, secretId, TokenMaker } from "../../../src/sale/tokens.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";
import { check, type CheckOptions } from "./checker.ts";
import { anyone, askRequestStatus, buy } from "./client.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { type FinalBooks, readFinalBooks } from "./final-books.ts";
import { type Completion, History, type Invocation } from "./history.ts";
import { NodeProcess } from "./node-process.ts";

export interface RigOptions {
  readonly tickets: number;
  /** Tickets that one buyer may have; 0, the default, for no limit. */
  readonly limit?: number;
  readonly nodes?: number;
  /** A proxy between each node and Redis. */
  readonly proxies?: boolean;
  /** Lines of redis.conf. */
  readonly redis?: Readonly<Record<string, string | number>>;
  /** Variables of every node, without their `SLUICE_`. */
  readonly node?: Readonly<Record<string, string | number>>;
  /** Variables of every node's engine, by their whole names. */
  readonly engine?: Readonly<Record<string, string>>;
}

export const sale = "rush";

const rigs = new Set<Rig>();
/** Requests of one call that wait for their answers at a time. */
const concurrency = 16;

/** Ends every process that a test started, also if it failed. For `afterEach`. */
export async function removeRigs(): Promise<void> {
  for (const rig of rigs) {
    rigs.delete(rig);
    await rig.remove();
  }
}

/** A Redis, nodes, proxies between them, a sale, and the history of its clients. */
export class Rig {
  readonly redis: RedisServer;
  readonly nodes: NodeProcess[] = [];
  readonly proxies: FaultProxy[] = [];
  readonly history = new History();
  readonly operations: SaleOperations;
  readonly #folder: string;

  private constructor(redis: RedisServer, folder: string) {
    this.redis = redis;
    this.#folder = folder;
    this.operations = new SaleOperations(redis.url);
  }

  /** Starts everything, opens the sale, and waits until every node can sell. */
  static async start(options: RigOptions): Promise<Rig> {
    const rig = await Rig.startRedis(options);
    await rig.openSale(options.tickets, options.limit);
    for (let i = 1; i <= (options.nodes ?? 1); i += 1) {
      await rig.addNode(options);
    }
    await Promise.all(rig.nodes.map((node) => node.untilReady()));
    return rig;
  }

  static async startRedis({ redis }: Pick<RigOptions, "redis">): Promise<Rig> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-faults-"));
    const server = await RedisServer.start(redis === undefined ? {} : { settings: redis });
    const rig = new Rig(server, folder);
    rigs.add(rig);
    // Else the first call of each script would be answered NOSCRIPT, and a fault that is meant for
    // a purchase would hit that answer instead.
    for (const { source } of Object.values(scripts)) {
      await server.client.script("LOAD", source);
    }
    return rig;
  }

  /** One more node; it listens when this returns, but may not be able to sell yet. */
  async addNode(options: Pick<RigOptions, "proxies" | "node" | "engine">) {
    const { proxies, node: settings, engine = {} } = options;
    const weight = this.nodes.length + 1;
    let { url } = this.redis;
    if (proxies === true) {
      const proxy = await FaultProxy.start(this.redis.port);
      this.proxies.push(proxy);
      ({ url } = proxy);
    }
    const node = new NodeProcess({
      name: `node${weight}`,
      redis: url,
      sale,
      folder: this.#folder,
      settings: { WEIGHT: weight, ...settings },
      engine,
    });
    this.nodes.push(node);
    await node.start();
    return node;
  }

  async openSale(tickets: number, limit = 0): Promise<SaleSnapshot> {
    const holdMs = 3_600_000;
    await this.operations.create({ sale, total: tickets, limit, holdMs, opensAtMs: 0 });
    return this.operations.setState(sale, "open");
  }

  node(number: number): NodeProcess {
    return this.nodes[number - 1] as NodeProcess;
  }

  proxy(number = 1): FaultProxy {
    return this.proxies[number - 1] as FaultProxy;
  }

  buy(node: NodeProcess, invocation: Partial<Invocation> = {}): Promise<Completion> {
    return buy(this.history, node.url, sale, { ...anyone, ...invocation });
  }

  /** Sells one ticket at once, as a node would that is not one of ours. */
  async sellAsAnotherNode(key: string): Promise<Completion & { readonly kind: "ok" }> {
    const k = saleKeys(sale);
    const keys = [k.stock, k.orders, k.batches, k.buyers, k.deadlines, k.events, nodesKey];
    const { client } = this.redis;
    const secret = (await client.get(k.secret)) ?? "";
    const token = new TokenMaker(sale, secret).token("", key);
    const batch = {
      ref: `another.${key}`,
      secretId: secretId(secret),
      requests: [{ token, buyer: "", quantity: 1, hash: requestHash("", key) }],
    };
    const args = ["another", 1, 0, batch.secretId, batch.ref, ...encodeHoldBatch(batch)];
    const reply = await client.eval(scripts.hold.source, keys.length, ...keys, ...args);
    const [status, , , , , , , serial, rest] = reply as unknown[];
    if (status !== 0 || rest !== "[]" || typeof serial !== "number") {
      throw new Error(`another node could not sell ${key}: ${String(reply)}`);
    }
    const sold = {
      kind: "ok",
      order: orderId(sale, { serial, token }),
      serial,
      quantity: 1,
    } as const;
    this.history.add({ ...anyone, key }, sold);
    return sold;
  }

  /** Runs `one` for 0, 1, ... up to `count`, some at a time. */
  async crowd(count: number, one: (number: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const client = async () => {
      while (next < count) {
        next += 1;
        await one(next - 1);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, client));
  }

  /** Buys single tickets until every node that runs says "sold out": nothing may be left over. */
  async sellTheRest(deadlineMs = 30_000): Promise<void> {
    await this.#sellInBulk(deadlineMs);
    for (const node of this.nodes.filter(({ running }) => running)) {
      const lastMs = performance.now() + deadlineMs;
      await this.crowd(concurrency, async () => {
        for (;;) {
          const completion = await this.buy(node);
          if (completion.kind === "fail" && completion.status === 410) {
            return;
          }
          if (performance.now() > lastMs) {
            throw new Error(`${node.name} did not sell out: ${this.history.summary()}`);
          }
        }
      });
    }
  }

  /** Leaves a hundred tickets or fewer. */
  async #sellInBulk(deadlineMs: number): Promise<void> {
    const running = this.nodes.filter((node) => node.running);
    await until(
      "most of the stock is sold",
      async () => {
        const snapshot = await this.operations.read(sale);
        if (snapshot !== null && snapshot.left <= 100) {
          return true;
        }
        // Eight times ten at most: none of them can be told that fewer are left.
        await Promise.all(running.slice(0, 8).map((node) => this.buy(node, { quantity: 10 })));
        return false;
      },
      deadlineMs,
    );
  }

  /** Asks for every request whose outcome is open, until a node can say what became of it. */
  async settleUnknowns(): Promise<void> {
    const running = this.nodes.filter((node) => node.running);
    for (const [i, request] of this.history.unknownRequests().entries()) {
      const node = running[i % running.length] as NodeProcess;
      const status = await until(`${node.name} says what became of ${request.key}`, async () => {
        const answer = await askRequestStatus(node.url, sale, request);
        return answer === "undecided" ? null : answer;
      });
      this.history.requestStatuses.push({ ...request, order: status.order });
    }
  }

  /** Throws unless what clients were told, the ledger and the stream agree. */
  async mustBalance(options: CheckOptions = { restocked: false }): Promise<FinalBooks> {
    await this.settleUnknowns();
    const books = await readFinalBooks(this.redis.client, sale);
    const violations = check(this.history, books, options);
    if (violations.length > 0) {
      const shown = violations.slice(0, 20).map(({ kind, text }) => `${kind}: ${text}`);
      throw new Error(
        `${violations.length} violations:\n${shown.join("\n")}\n${this.history.summary()}`,
      );
    }
    return books;
  }

  /** Sold to the last ticket, and the books balance. */
  async mustSellOut(options?: CheckOptions): Promise<FinalBooks> {
    await this.sellTheRest();
    const books = await this.mustBalance(options);
    const snapshot = await this.operations.read(sale);
    if (snapshot?.left !== 0) {
      throw new Error(`${snapshot?.left} tickets are left: ${this.history.summary()}`);
    }
    return books;
  }

  async remove(): Promise<void> {
    this.operations.close();
    await Promise.all(this.nodes.map((node) => node.kill()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.redis.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
