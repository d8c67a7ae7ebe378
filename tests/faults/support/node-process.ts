import { join } from "node:path";

import { freePort } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";

export interface NodeOptions {
  readonly name: string;
  /** What it takes for Redis: the server itself or a proxy before it. */
  readonly redis: string;
  readonly sale: string;
  /** For its log. */
  readonly folder: string;
  /** Variables beyond the defaults below, without their `SLUICE_`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Variables of the engine, by their whole names. */
  readonly engine?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dir, "../../..");
const startDeadlineMs = 20_000;
const startAttemptsMax = 3;

/** Shorter than in production, so that faults are over sooner; the proportions are the same. */
const defaults = {
  DEADLINE_MS: 1_500,
  REPLY_TIMEOUT_MS: 500,
  HEARTBEAT_MS: 50,
  DRAIN_MS: 300,
  DURABILITY: "memory",
  BUFFER: 20,
  LOG: "info",
} as const;

/** As its unit has it on a host: it may do nothing that takes a right. Who is not root has none. */
const withoutRights = process.getuid?.() === 0 ? ["--bounding-set=-all", "--inh-caps=-all"] : [];

type Process = ReturnType<typeof Bun.spawn>;

/** A real ticket node in a process of its own, which does not outlive the test. */
export class NodeProcess {
  readonly name: string;
  readonly #options: NodeOptions;
  readonly #logPath: string;
  #process: Process | null = null;
  #port = 0;

  constructor(options: NodeOptions) {
    this.name = options.name;
    this.#options = options;
    this.#logPath = join(options.folder, `${options.name}.log`);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get running(): boolean {
    return this.#process !== null && this.#process.exitCode === null && !this.#process.killed;
  }

  /** Starts it and waits until it listens; whether it can sell is another question. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.#port = freePort();
      try {
        await this.#startOnce();
        return;
      } catch (error) {
        // Between `freePort` and the node's own bind, another process may have taken the port.
        if (attempt === startAttemptsMax) {
          throw error;
        }
      }
    }
  }

  /** Starts it again where it was, once it has ended, as systemd would: under the same address. */
  async restart(): Promise<void> {
    if (this.running) {
      throw new Error(`node ${this.name} runs still`);
    }
    await this.#startOnce();
  }

  /** Waits until `/readyz` says that it can sell, or that it cannot. */
  async untilReady(status: 200 | 503 = 200, deadlineMs = 20_000): Promise<void> {
    await until(
      `node ${this.name} answers ${status} to /readyz`,
      async () => {
        const response = await fetch(`${this.url}/readyz`, { keepalive: false }).catch(() => null);
        return response?.status === status;
      },
      deadlineMs,
    );
  }

  /** SIGTERM: it drains. */
  terminate(): void {
    this.#mustRun().kill("SIGTERM");
  }

  /** Its exit code, once it has ended. */
  async exited(): Promise<number> {
    return this.#mustRun().exited;
  }

  /** SIGKILL, and waits until it is gone. Harmless if it is. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child !== null && child.exitCode === null) {
      child.kill("SIGKILL");
      await child.exited;
    }
    this.#process = null;
  }

  async log(): Promise<string> {
    const file = Bun.file(this.#logPath);
    return (await file.exists()) ? file.text() : "";
  }

  async #startOnce(): Promise<void> {
    const { name, redis, sale, settings, engine } = this.#options;
    const variables: Record<string, string> = {
      PATH: Bun.env["PATH"] ?? "",
      ...engine,
      SLUICE_NODE: name,
      SLUICE_LISTEN: `127.0.0.1:${this.#port}`,
      SLUICE_REDIS: redis,
      SLUICE_SALE: sale,
    };
    for (const [variable, value] of Object.entries({ ...defaults, ...settings })) {
      variables[`SLUICE_${variable}`] = String(value);
    }
    const child = Bun.spawn(
      ["setpriv", ...withoutRights, "--pdeathsig", "SIGKILL", process.execPath, "src/node/main.ts"],
      {
        cwd: root,
        env: variables,
        stdin: "ignore",
        stdout: Bun.file(this.#logPath),
        stderr: "inherit",
      },
    );
    this.#process = child;
    await until(
      `node ${name} listens on ${this.url}`,
      async () => {
        if (child.exitCode !== null) {
          throw new Error(`node ${name} did not start:\n${await this.log()}`);
        }
        const response = await fetch(`${this.url}/healthz`, { keepalive: false }).catch(() => null);
        return response?.headers.get("X-Sluice-Node") === name;
      },
      startDeadlineMs,
    );
  }

  #mustRun(): Process {
    if (this.#process === null) {
      throw new Error(`node ${this.name} does not run`);
    }
    return this.#process;
  }
}
