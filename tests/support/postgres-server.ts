import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SQL } from "bun";

import { until } from "./until.ts";

/**
 * A real PostgreSQL server for a test: from Debian's package, in a temporary folder of its own,
 * listening on a Unix socket in there and nowhere else, with fsync on as in production.
 *
 *   if (postgresBinaries === null) { ...skip, and say why... }
 *   const server = await PostgresServer.start();
 *   const url = await server.createDatabase();
 *   await server.kill();                    // SIGKILL to all of it: a server that dies
 *   await server.restart();                 // the same folder
 *   server.pause(); server.resume();        // SIGSTOP, SIGCONT: a server that hangs
 *   await server.remove();                  // stops it and deletes its folder; in afterAll
 */

/** Where Debian keeps the newest PostgreSQL that is installed, or null: without it tests skip. */
export const postgresBinaries = await findBinaries("/usr/lib/postgresql");

/** Why tests of PostgreSQL are skipped, where they are. */
export const postgresMissing =
  "PostgreSQL is not installed: apt-get install --no-install-recommends postgresql";

const startDeadlineMs = 30_000;
/** A part of the socket's name; nothing listens on the port itself. */
const port = 5432;
const role = "sluice";
/** PostgreSQL refuses to run as root, so root runs it as nobody. */
const nobody = { user: 65_534, group: 65_534 } as const;

/** A small server: the test machine's memory is for others, too. */
const settings = Object.entries({
  port,
  listen_addresses: "",
  fsync: "on",
  synchronous_commit: "on",
  shared_buffers: "32MB",
  max_connections: 20,
}).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

type Process = ReturnType<typeof Bun.spawn>;

export class PostgresServer {
  readonly folder: string;
  #process: Process | null = null;
  #databases = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(): Promise<PostgresServer> {
    if (postgresBinaries === null) {
      throw new Error(postgresMissing);
    }
    const folder = await mkdtemp(join(tmpdir(), "sluice-postgres-"));
    const server = new PostgresServer(folder);
    try {
      if (isRoot) {
        await chown(folder, nobody.user, nobody.group);
      }
      const locale = ["-E", "UTF8", "--locale=C.UTF-8"];
      const access = ["-U", role, "-A", "trust"];
      await server.#run("initdb", ["-D", server.#data, ...access, ...locale, "--no-sync"]);
      await server.restart();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  /** The address of a database as SLUICE_DATABASE takes it. */
  urlOf(database: string): string {
    return `postgres://${role}@localhost:${port}/${database}?host=${encodeURIComponent(this.folder)}`;
  }

  /** Makes an empty database, and returns its address. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test${this.#databases}`;
    await this.query("postgres", `CREATE DATABASE ${name}`);
    return this.urlOf(name);
  }

  /** One statement on a connection of its own, for looking and for meddling. */
  async query(database: string, text: string): Promise<Record<string, unknown>[]> {
    const sql = new SQL(this.urlOf(database), { max: 1, connectionTimeout: 5 });
    try {
      return (await sql.unsafe(text)) as Record<string, unknown>[];
    } finally {
      await Promise.race([sql.close({ timeout: 0 }), Bun.sleep(1_000)]);
    }
  }

  /** Starts it, the first time or again, with the data that is in its folder. */
  async restart(): Promise<void> {
    if (this.#process !== null) {
      throw new Error("stop or kill the server before it is started again");
    }
    const child = Bun.spawn(
      this.#command("postgres", ["-D", this.#data, "-k", this.folder, ...settings]),
      { stdin: "ignore", stdout: "ignore", stderr: Bun.file(this.#logPath), cwd: "/" },
    );
    this.#process = child;
    await until(
      "PostgreSQL answers",
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) {
          this.#process = null;
          throw new Error(`PostgreSQL did not start; it says:\n${await this.log()}`);
        }
        return this.query("postgres", "SELECT 1").then(
          () => true,
          () => false, // Not up yet: asked again until the deadline.
        );
      },
      startDeadlineMs,
    );
  }

  /** SIGINT: it ends every connection and stops, as an operator would have it. */
  stop(): Promise<void> {
    return this.#end("SIGINT");
  }

  /** SIGKILL: it dies in the middle of whatever it did; its processes notice and end, too. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGSTOP to each of its processes: connections stay open, nothing is answered. */
  pause(): Promise<void> {
    return this.#signalAll("SIGSTOP");
  }

  /** SIGCONT: they go on, and execute what was sent to them meanwhile. */
  resume(): Promise<void> {
    return this.#signalAll("SIGCONT");
  }

  /** The last lines that it logged. */
  async log(lines = 20): Promise<string> {
    const file = Bun.file(this.#logPath);
    const text = (await file.exists()) ? await file.text() : "";
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** Stops it if it runs, and deletes its folder. */
  async remove(): Promise<void> {
    if (this.#process !== null) {
      await this.resume();
      await this.kill();
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  get #data(): string {
    return join(this.folder, "data");
  }

  get #logPath(): string {
    return join(this.folder, "output.log");
  }

  #command(program: string, args: readonly string[]): string[] {
    const identity = isRoot
      ? ["--reuid", String(nobody.user), "--regid", String(nobody.group), "--clear-groups"]
      : [];
    const path = join(postgresBinaries ?? "", program);
    return ["setpriv", ...identity, "--pdeathsig", "SIGKILL", path, ...args];
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const child = Bun.spawn(this.#command(program, args), {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      cwd: "/",
    });
    const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    if (code !== 0) {
      throw new Error(`${program} ended with ${code}:\n${said}`);
    }
  }

  /** The server and its children, by the kernel's list. */
  async #processes(): Promise<number[]> {
    const pid = this.#mustRun().pid;
    const children = await Bun.file(`/proc/${pid}/task/${pid}/children`).text();
    return [pid, ...children.trim().split(" ").filter(Boolean).map(Number)];
  }

  async #signalAll(signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    for (const pid of await this.#processes()) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        // A child may have ended since it was listed.
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) {
          throw error;
        }
      }
    }
  }

  async #end(signal: "SIGINT" | "SIGKILL"): Promise<void> {
    const child = this.#mustRun();
    const children = (await this.#processes()).slice(1);
    child.kill(signal);
    await child.exited;
    this.#process = null;
    await until("the processes of PostgreSQL are gone", () =>
      children.every((pid) => !existsSync(`/proc/${pid}`)),
    );
  }

  #mustRun(): Process {
    if (this.#process === null) {
      throw new Error("PostgreSQL does not run");
    }
    return this.#process;
  }
}

const isRoot = process.getuid?.() === 0;

async function findBinaries(root: string): Promise<string | null> {
  const versions = existsSync(root) ? await readdir(root) : [];
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  const folders = newestFirst.map((version) => join(root, version, "bin"));
  return folders.find((folder) => existsSync(join(folder, "postgres"))) ?? null;
}
