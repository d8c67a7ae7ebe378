import type { Invocation } from "./history.ts";
import type { NodeProcess } from "./node-process.ts";
import type { Rig } from "./rig.ts";
import { type Random, randomOf } from "./seed.ts";

export interface CrowdOptions {
  readonly clients?: number;
  /** Share of requests with a key of the client's own; default a half. */
  readonly keyShare?: number;
  /** So many keys are everybody's, and every fourth key is one of them; default none. */
  readonly sharedKeys?: number;
  readonly quantityMax?: number;
  /** Buyers to choose from; default one without a name. */
  readonly buyers?: readonly string[];
  /** Which nodes to ask; default all that run. */
  readonly nodes?: () => readonly NodeProcess[];
}

/** Requests of one client; a crowd that nobody stops ends by itself. */
const requestsMax = 2_000;
/** Longest pause between two requests of a client, so that a sale lasts as long as its faults. */
const pauseMaxMs = 20;

/** Clients that go on buying, at any node, and ask again with the same key where they may. */
export class Crowd {
  readonly #rig: Rig;
  readonly #options: CrowdOptions;
  readonly #clients: Promise<void>[] = [];
  #stopped = false;

  /** Starts it. What each client does follows from the seed, not from the others. */
  constructor(rig: Rig, seed: number, options: CrowdOptions = {}) {
    this.#rig = rig;
    this.#options = options;
    for (let client = 1; client <= (options.clients ?? 8); client += 1) {
      this.#clients.push(this.#run(`client${client}`, randomOf(seed + client)));
    }
  }

  /** Lets every client finish its request. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #run(name: string, random: Random): Promise<void> {
    const { keyShare = 0.5, sharedKeys = 0, quantityMax = 2, buyers = [""] } = this.#options;
    const someKey = (own: string) =>
      sharedKeys > 0 && random.chance(0.25) ? `shared-${random.whole(1, sharedKeys)}` : own;
    let again: Invocation | null = null;
    for (let i = 1; i <= requestsMax && !this.#stopped; i += 1) {
      const invocation: Invocation = again ?? {
        key: random.chance(keyShare) ? someKey(`${name}-${i}`) : null,
        buyer: random.pick(buyers),
        quantity: random.whole(1, quantityMax),
      };
      const node = random.pick(this.#nodes());
      const { kind } = await this.#rig.buy(node, invocation);
      // Asking again is what a key is for: after "who knows", after "no", and after "yes" too.
      again =
        invocation.key !== null && random.chance(kind === "ok" ? 0.1 : 0.6) ? invocation : null;
      await Bun.sleep(random.whole(0, pauseMaxMs));
    }
  }

  #nodes(): readonly NodeProcess[] {
    return this.#options.nodes?.() ?? this.#rig.nodes.filter(({ running }) => running);
  }
}
