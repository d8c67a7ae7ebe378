import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Process = ReturnType<typeof Bun.spawn>;

export interface Program {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it runs; the workshop's folder unless given. */
  readonly cwd?: string;
}

const endGraceMs = 5_000;
const startDeadlineMs = 20_000;

/**
 * Everything that a benchmark starts and writes: ports, processes and a temporary folder, all of
 * which are gone when it is closed, also after a failure or a signal. Should this process be
 * killed outright, the kernel ends what it started (setpriv --pdeathsig).
 */
export class Workshop {
  readonly folder: string;
  #nextPort: number;
  readonly #lastPort: number;
  readonly #running = new Map<Process, string>();

  private constructor(folder: string, firstPort: number) {
    this.folder = folder;
    this.#nextPort = firstPort;
    this.#lastPort = firstPort + 99;
  }

  /** Takes ports from `firstPort` to 99 above it. */
  static async open(firstPort: number): Promise<Workshop> {
    return new Workshop(await mkdtemp(join(tmpdir(), "sluice-bench-")), firstPort);
  }

  /** A port of loopback on which nobody listens. */
  port(): number {
    while (this.#nextPort <= this.#lastPort) {
      const port = this.#nextPort;
      this.#nextPort += 1;
      try {
        Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } }).stop(true);
        return port;
      } catch {
        // Taken by somebody: the next one.
      }
    }
    throw new Error(`no free port up to ${this.#lastPort}; give another range with --port`);
  }

  /** Starts a program that stays. What it says goes to NAME.log in the folder. */
  start(program: Program): Process {
    const log = Bun.file(join(this.folder, `${program.name}.log`));
    const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", ...program.command], {
      cwd: program.cwd ?? this.folder,
      env: program.environment ?? Bun.env,
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    this.#running.set(child, program.name);
    return child;
  }

  /** Waits until a program that was started is ready. Throws with its log if it ends instead. */
  async untilReady(child: Process, ready: () => Promise<boolean>): Promise<void> {
    const name = this.#running.get(child) ?? "program";
    const lastMs = performance.now() + startDeadlineMs;
    for (;;) {
      if (await ready().catch(() => false)) {
        return;
      }
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (ended || performance.now() > lastMs) {
        const why = ended ? "ended" : `was not ready within ${startDeadlineMs} ms`;
        throw new Error(`${name} ${why}; it said:\n${await this.#logOf(name)}`);
      }
      await Bun.sleep(10);
    }
  }

  /** Runs a program to its end and returns what it printed. Throws if it fails or takes longer. */
  async run(program: Program, limitMs: number): Promise<string> {
    const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", ...program.command], {
      cwd: program.cwd ?? this.folder,
      env: program.environment ?? Bun.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#running.set(child, program.name);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limitMs);
    const output = new Response(child.stdout).text();
    const errors = new Response(child.stderr).text();
    const exitCode = await child.exited;
    clearTimeout(limit);
    this.#running.delete(child);
    if (late || exitCode !== 0) {
      const why = late ? `took more than ${limitMs} ms` : `failed with exit code ${exitCode}`;
      throw new Error(`${program.command.join(" ")}: ${why}\n${(await errors).trim()}`);
    }
    return output;
  }

  /** Asks a program to end, and ends it if it does not. */
  async end(child: Process): Promise<void> {
    child.kill("SIGTERM");
    const impatient = setTimeout(() => child.kill("SIGKILL"), endGraceMs);
    await child.exited;
    clearTimeout(impatient);
    this.#running.delete(child);
  }

  /** Ends everything, in the reverse order of its start, and deletes the folder. */
  async close(): Promise<void> {
    for (const child of [...this.#running.keys()].reverse()) {
      await this.end(child);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The same at once, for a signal's handler. */
  async abandon(): Promise<void> {
    const running = [...this.#running.keys()];
    for (const child of running) {
      child.kill("SIGKILL");
    }
    await Promise.all(running.map((child) => child.exited));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #logOf(name: string): Promise<string> {
    const log = Bun.file(join(this.folder, `${name}.log`));
    return (await log.exists()) ? (await log.text()).trimEnd().slice(-2_000) : "";
  }
}
