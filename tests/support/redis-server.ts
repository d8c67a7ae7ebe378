import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Redis } from "ioredis";

import { until } from "./until.ts";

/**
 * A real redis-server for a test: on a free port of loopback, in a temporary folder of its own.
 *
 *   const server = await RedisServer.start({ settings: { appendonly: "yes" } });
 *   ... server.url, server.port, server.client ...
 *   server.pause(); server.resume();        // SIGSTOP, SIGCONT: a server that hangs
 *   await server.kill();                    // SIGKILL: a server that dies
 *   await server.restart();                 // the same port, folder and settings
 *   await server.remove();                  // stops it and deletes its folder; in afterAll
 *
 * What a server keeps over a kill depends on its settings: nothing unless `appendonly` is `yes`.
 * A second server with `replicaOf: server` replicates the first; see `untilReplicated`.
 * No server outlives its test, even if that is killed (setpriv --pdeathsig).
 *
 * SLUICE_TEST_REDIS_SERVER names another redis-server to test against; tests that depend on the
 * version look at `version`.
 */
export interface RedisServerOptions {
  /** Lines of redis.conf beyond the defaults below, e.g. `{ appendfsync: "always" }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly replicaOf?: RedisServer;
  /** Who the test itself is, where `aclfile` leaves the default user no way in. */
  readonly login?: { readonly user: string; readonly password: string };
  /** `listening` returns as soon as it accepts connections, though it may be loading its data. */
  readonly waitFor?: "ready" | "listening";
}

const binary = process.env["SLUICE_TEST_REDIS_SERVER"] ?? "redis-server";
/** Version of the redis-server that tests run against, before any is started: `[7, 0]`. */
export function redisVersion(): readonly [major: number, minor: number] {
  const said = Bun.spawnSync([binary, "--version"]).stdout.toString();
  const found = /v=(\d+)\.(\d+)/.exec(said);
  if (found === null) {
    throw new Error(`${binary} --version said: ${said}`);
  }
  return [Number(found[1]), Number(found[2])];
}

const outputFile = "output.log";
const configurationFile = "redis.conf";
const startDeadlineMs = 15_000;
const stopDeadlineMs = 5_000;
const replicationDeadlineMs = 15_000;
/** Below the ports that Linux gives to outgoing connections, so that a restart finds its own free. */
const portMin = 10_240;
const portMax = 20_000;
const portAttemptsMax = 20;

const defaults = {
  bind: "127.0.0.1",
  save: "",
  appendonly: "no",
  logfile: "redis.log",
  // DEBUG is how tests make a server slow or see what it stores.
  "enable-debug-command": "local",
  // Replicas of tests start at once; the default waits five seconds for more of them.
  "repl-diskless-sync-delay": 0,
} as const;

type Process = ReturnType<typeof Bun.spawn>;

export class RedisServer {
  readonly port: number;
  readonly folder: string;
  readonly #settings: Readonly<Record<string, string | number>>;
  readonly #login: string;
  #process: Process | null = null;
  #client: Redis | null = null;
  #version: readonly [major: number, minor: number] = [0, 0];

  private constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.folder = folder;
    const primary = options.replicaOf;
    const replication = primary === undefined ? {} : { replicaof: `127.0.0.1 ${primary.port}` };
    this.#settings = { ...defaults, port, dir: folder, ...replication, ...options.settings };
    const password = this.#settings["requirepass"];
    const { login } = options;
    this.#login =
      login !== undefined
        ? `${login.user}:${encodeURIComponent(login.password)}@`
        : password === undefined
          ? ""
          : `:${encodeURIComponent(password)}@`;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-redis-"));
    const server = new RedisServer(freePort(), folder, options);
    try {
      await server.restart(options.waitFor);
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  /** With the login, or the password where `requirepass` is set. */
  get url(): string {
    return `redis://${this.#login}127.0.0.1:${this.port}/0`;
  }

  /** `[7, 0]`, `[8, 0]`. */
  get version(): readonly [major: number, minor: number] {
    return this.#version;
  }

  isAtLeast(major: number, minor: number): boolean {
    return this.#version[0] > major || (this.#version[0] === major && this.#version[1] >= minor);
  }

  get pid(): number {
    return this.#mustRun().pid;
  }

  /** The test's own connection, for looking at what is stored. Made anew after a restart. */
  get client(): Redis {
    this.#mustRun();
    this.#client ??= quietClient(this.url);
    return this.#client;
  }

  /** Starts it, the first time or again, with the data that is left in its folder. */
  async restart(waitFor: "ready" | "listening" = "ready"): Promise<void> {
    if (this.#process !== null) {
      throw new Error("stop or kill the server before it is started again");
    }
    // In a file of its own, since every user can read a password in the process list.
    const settings = Object.entries(this.#settings).map(
      ([name, value]) => `${name} ${isOneWord(name, value) ? JSON.stringify(value) : value}\n`,
    );
    const configuration = join(this.folder, configurationFile);
    await writeFile(configuration, settings.join(""), { mode: 0o600 });
    const command = ["setpriv", "--pdeathsig", "SIGKILL", binary, configuration];
    const output = Bun.file(join(this.folder, outputFile));
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: output });
    this.#process = child;
    await until(
      `redis-server is ${waitFor} on port ${this.port}`,
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) {
          this.#process = null;
          throw new Error(`redis-server did not start; its log says:\n${await this.log()}`);
        }
        return this.#answers(waitFor);
      },
      startDeadlineMs,
    );
  }

  /** SIGTERM: it finishes as an operator would have it, and keeps what its settings keep. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** SIGKILL: it is gone in the middle of whatever it did. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGSTOP: connections stay open and accepted (by the kernel), nothing is answered. */
  pause(): void {
    this.#mustRun().kill("SIGSTOP");
    // It may run on for a moment; a test that pauses it means from now on.
    const lastMs = performance.now() + stopDeadlineMs;
    while (!/\) T /.test(readFileSync(`/proc/${this.pid}/stat`, "latin1"))) {
      if (performance.now() > lastMs) {
        throw new Error(`redis-server did not stop within ${stopDeadlineMs} ms of SIGSTOP`);
      }
    }
  }

  /** SIGCONT: it goes on, and executes what was sent to it meanwhile. */
  resume(): void {
    this.#mustRun().kill("SIGCONT");
  }

  /** Waits until `count` replicas have everything that this server has. */
  async untilReplicated(count = 1): Promise<void> {
    // WAIT asks the replicas at once, which by themselves tell once a second. What it waits for is
    // what the server had when this connection last said something.
    await this.client.ping();
    const reached = await this.client.wait(count, replicationDeadlineMs);
    if (reached < count) {
      throw new Error(`${reached} of ${count} replicas caught up in ${replicationDeadlineMs} ms`);
    }
  }

  /** The last lines that redis-server logged, or said before it had a log. */
  async log(lines = 20): Promise<string> {
    let text = "";
    for (const name of [outputFile, defaults.logfile]) {
      const file = Bun.file(join(this.folder, name));
      text += (await file.exists()) ? await file.text() : "";
    }
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** Stops it if it runs, and deletes its folder. */
  async remove(): Promise<void> {
    if (this.#process !== null) {
      await this.kill();
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #answers(waitFor: "ready" | "listening"): Promise<boolean> {
    const client = quietClient(this.url);
    try {
      const info = await client.info("server");
      const found = /redis_version:(\d+)\.(\d+)/.exec(info);
      this.#version = [Number(found?.[1]), Number(found?.[2])];
      return waitFor === "listening" || (await client.ping()) === "PONG";
    } catch {
      return false; // Not up yet, or still loading: the caller asks again until its deadline.
    } finally {
      client.disconnect();
    }
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#mustRun();
    this.#client?.disconnect();
    this.#client = null;
    child.kill(signal);
    child.kill("SIGCONT"); // A stopped process takes no SIGTERM.
    await child.exited;
    this.#process = null;
  }

  #mustRun(): Process {
    if (this.#process === null) {
      throw new Error(`the redis-server of port ${this.port} does not run`);
    }
    return this.#process;
  }
}

/** What Redis would take for several words, or for none, if it were not quoted. */
function isOneWord(name: string, value: string | number): boolean {
  return value === "" || name === "requirepass" || name === "masterauth";
}

/** A client for looking: it never resends, and a fault shows as the rejection of a command. */
function quietClient(url: string): Redis {
  const client = new Redis(url, {
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: 2_000,
  });
  client.on("error", () => undefined);
  return client;
}

/** A port that nobody listens on now; a server that loses the race for it does not start. */
export function freePort(): number {
  for (let attempt = 1; attempt <= portAttemptsMax; attempt += 1) {
    const port = portMin + Math.floor(Math.random() * (portMax - portMin));
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } }).stop(true);
      return port;
    } catch {
      // Taken: draw another one.
    }
  }
  throw new Error(`no free port found between ${portMin} and ${portMax}`);
}
