import { join } from "node:path";

import { freePort } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";

export interface WorkerOptions {
  readonly name?: string;
  readonly redis: string;
  readonly database: string;
  /** Variables beyond the defaults below, without their `SLUICE_`. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

const root = join(import.meta.dir, "../../..");

/** Shorter than in production, so that faults are over sooner; the proportions are the same. */
const defaults = {
  BLOCK_MS: 50,
  CLAIM_IDLE_MS: 300,
  TRIES_MAX: 3,
  SWEEP_MS: 50,
  DATABASE_TIMEOUT_MS: 1_000,
  REPLY_TIMEOUT_MS: 1_000,
  LOG: "info",
} as const;

/** A real order worker in a process of its own, which does not outlive the test. */
export class WorkerProcess {
  readonly #process;
  readonly #port: number;
  readonly #output: Promise<string>;

  private constructor(options: WorkerOptions) {
    const { name = "worker1", redis, database, settings } = options;
    this.#port = freePort();
    const env: Record<string, string> = {
      PATH: Bun.env["PATH"] ?? "",
      SLUICE_NODE: name,
      SLUICE_LISTEN: `127.0.0.1:${this.#port}`,
      SLUICE_REDIS: redis,
      SLUICE_DATABASE: database,
    };
    for (const [variable, value] of Object.entries({ ...defaults, ...settings })) {
      env[`SLUICE_${variable}`] = String(value);
    }
    const command = ["setpriv", "--pdeathsig", "SIGKILL", process.execPath, "src/orders/main.ts"];
    this.#process = Bun.spawn(command, { cwd: root, env, stdout: "pipe", stderr: "pipe" });
    const { stdout, stderr } = this.#process;
    this.#output = Promise.all([new Response(stdout).text(), new Response(stderr).text()]).then(
      (texts) => texts.join(""),
    );
    running.add(this);
  }

  /** Starts a worker, and does not wait for anything. */
  static start(options: WorkerOptions): WorkerProcess {
    return new WorkerProcess(options);
  }

  /** Waits until `/readyz` says that it stores orders, or that it does not. */
  async untilReady(status: 200 | 503 = 200): Promise<void> {
    await until(
      `the worker answers ${status} to /readyz`,
      async () => {
        if (this.#process.exitCode !== null) {
          throw new Error(
            `the worker ended with ${this.#process.exitCode}: ${await this.output()}`,
          );
        }
        const answer = await fetch(`http://127.0.0.1:${this.#port}/readyz`).catch(() => null);
        return answer?.status === status;
      },
      20_000,
    );
  }

  /** A figure of `/metrics` by its name, and labels if it has any; 0 where there is none yet. */
  async metric(name: string, labels = ""): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`${name}{`) && one.includes(labels));
    return Number(line?.split(" ").at(-1) ?? 0);
  }

  /** SIGKILL, and waits until it is gone. Harmless if it is. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    running.delete(this);
  }

  /** SIGTERM; returns its exit code. */
  stop(): Promise<number> {
    this.#process.kill("SIGTERM");
    return this.exited();
  }

  /** Its exit code, once it has ended. */
  async exited(): Promise<number> {
    const code = await this.#process.exited;
    running.delete(this);
    return code;
  }

  /** SIGSTOP: it hangs. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  resume(): void {
    this.#process.kill("SIGCONT");
  }

  /** All that it said, once it has ended. */
  output(): Promise<string> {
    return this.#output;
  }
}

const running = new Set<WorkerProcess>();

/** For afterEach: no worker works on in the next test. */
export async function killWorkers(): Promise<void> {
  await Promise.all([...running].map((worker) => worker.kill()));
}
