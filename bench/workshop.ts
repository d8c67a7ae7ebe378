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

/** As the description of --port says. */
const portsMax = 100;
const endGraceMs = 5_000;
const startDeadlineMs = 20_000;

/**
 * Everything that a benchmark starts and writes: ports, processes and a temporary folder, all of
 * which are gone when it is closed, also after a failure or a signal. Should this process be
 * killed outright, the kernel ends what it started (setpriv --pdeathsig).
 */
export class Workshop {
  readonly folder: string;
  readonly #firstPort: number;
  #nextPort: number;
  readonly #running = new Map<Process, string>();
  readonly #undo: (() => Promise<void>)[] = [];
  /** Shared: a signal breaks a measurement off, and that closes its workshop too. */
  #closing: Promise<void> | null = null;

  private constructor(folder: string, firstPort: number) {
    this.folder = folder;
    this.#firstPort = firstPort;
    this.#nextPort = firstPort;
  }

  /** Takes a hundred ports, from `firstPort` on. */
  static async open(firstPort: number): Promise<Workshop> {
    return new Workshop(await mkdtemp(join(tmpdir(), "sluice-bench-")), firstPort);
  }

  /**
   * The first of `count` ports in a row of loopback, on none of which anybody listens. Those of
   * programs that have ended come round again, the longest unused first.
   */
  port(count = 1): number {
    const lastPort = this.#firstPort + portsMax - 1;
    let free = 0;
    for (let tried = 0; tried < portsMax; tried += 1) {
      if (this.#nextPort > lastPort) {
        this.#nextPort = this.#firstPort;
        free = 0;
      }
      const port = this.#nextPort;
      this.#nextPort += 1;
      free = isFree(port) ? free + 1 : 0;
      if (free === count) {
        return port - count + 1;
      }
    }
    throw new Error(
      `none of the ports ${this.#firstPort} to ${lastPort} is free; give others with --port`,
    );
  }

  /** The file system of the folder, since an fsync on tmpfs costs nothing. */
  async fileSystem(): Promise<string> {
    const output = await this.run(
      { name: "df", command: ["df", "--output=source,fstype", this.folder] },
      5_000,
    );
    return output.trim().split("\n").at(-1)?.split(/\s+/).join(", ") ?? "unknown";
  }

  /** Something else that has to be undone in the end. */
  onClose(undo: () => Promise<void>): void {
    this.#undo.push(undo);
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
  close(): Promise<void> {
    this.#closing ??= this.#leave(async () => {
      for (const child of [...this.#running.keys()].toReversed()) {
        await this.end(child);
      }
    });
    return this.#closing;
  }

  /** The same at once, for a signal's handler. */
  abandon(): Promise<void> {
    this.#closing ??= this.#leave(async () => {
      const running = [...this.#running.keys()];
      for (const child of running) {
        child.kill("SIGKILL");
      }
      await Promise.all(running.map((child) => child.exited));
    });
    return this.#closing;
  }

  async #leave(endPrograms: () => Promise<void>): Promise<void> {
    await endPrograms();
    for (const undo of this.#undo.toReversed()) {
      await undo();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #logOf(name: string): Promise<string> {
    const log = Bun.file(join(this.folder, `${name}.log`));
    return (await log.exists()) ? (await log.text()).trimEnd().slice(-2_000) : "";
  }
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } }).stop(true);
    return true;
  } catch {
    return false; // Somebody listens there.
  }
}
