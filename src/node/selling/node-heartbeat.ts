import type { Heartbeat, Ledger } from "../../ledger/ledger.ts";

export interface NodeHeartbeatOptions {
  readonly ledger: Ledger;
  readonly weight: number;
  readonly onBeat: (heartbeat: Heartbeat) => void;
  /** A heartbeat had no answer, or was refused. */
  readonly onFailure: (fault: string) => void;
}

/** Announces this node to the ledger, once for all its sales. */
export class NodeHeartbeat {
  readonly #options: NodeHeartbeatOptions;
  #livingNodes = 0;
  #underWay: Promise<void> | null = null;
  #leaving = false;

  constructor(options: NodeHeartbeatOptions) {
    this.#options = options;
  }

  /** Nodes that live, this one included, at the last heartbeat that was answered. */
  get livingNodes(): number {
    return this.#livingNodes;
  }

  /** Sends one; those who ask while one is under way share it. Never rejects. */
  send(): Promise<void> {
    this.#underWay ??= this.#send().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  /** From now on heartbeats announce that this node leaves, so that the others take its share. */
  async leave(): Promise<void> {
    this.#leaving = true;
    // One that is under way may still announce the opposite.
    await this.#underWay;
    await this.send();
  }

  async #send(): Promise<void> {
    const { ledger, weight, onBeat, onFailure } = this.#options;
    const reply = await ledger.heartbeat(this.#leaving ? 0 : weight);
    if (reply.kind === "ok") {
      this.#livingNodes = reply.value.livingNodes;
      onBeat(reply.value);
    } else {
      onFailure(`heartbeat ${reply.kind}: ${reply.reason}`);
    }
  }
}
