import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDatabaseUrl } from "../../src/orders/database-address.ts";
import { Database } from "../../src/orders/database.ts";
import type { Process, Workshop } from "../workshop.ts";

/** Where Debian keeps each version of PostgreSQL that is installed. */
const versionsFolder = "/usr/lib/postgresql";
/** Debian's package. */
export const postgresMissing =
  "PostgreSQL is not installed: apt-get install --no-install-recommends postgresql";

const initLimitMs = 60_000;
const statementTimeoutMs = 10_000;
/** A part of the socket's name; nothing listens on the port itself. */
const port = 5432;
const role = "sluice";
/** PostgreSQL refuses to run as root, so root runs it as nobody. */
const nobody = { user: 65_534, group: 65_534 } as const;
const isRoot = process.getuid?.() === 0;

/**
 * A PostgreSQL of the benchmark's own, from Debian's package, as it is configured there (it syncs
 * each commit to disk): in a folder of its own, on a Unix socket in there and nowhere else.
 */
export class BenchPostgres {
  readonly version: string;
  readonly #folder: string;
  readonly #process: Process;
  #databases = 0;

  private constructor(folder: string, child: Process, version: string) {
    this.#folder = folder;
    this.#process = child;
    this.version = version;
  }

  /** The newest version that is installed; null if there is none. */
  static async start(workshop: Workshop, name: string): Promise<BenchPostgres | null> {
    const version = installedVersions()[0];
    if (version === undefined) {
      return null;
    }
    // Not in the workshop's folder, where nobody but its owner may look.
    const folder = await mkdtemp(join(tmpdir(), "sluice-bench-postgres-"));
    workshop.onClose(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    if (isRoot) {
      await chown(folder, nobody.user, nobody.group);
    }
    const data = join(folder, "data");
    const init = ["-D", data, "-U", role, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"];
    const initdb = { name: "initdb", command: commandOf(version, "initdb", init), cwd: "/" };
    await workshop.run(initdb, initLimitMs);
    const settings = ["-D", data, "-k", folder, "-p", String(port), "-c", "listen_addresses="];
    const child = workshop.start({
      name,
      command: commandOf(version, "postgres", settings),
      cwd: "/",
    });
    const server = new BenchPostgres(folder, child, version);
    await workshop.untilReady(child, async () => {
      await server.#execute("SELECT 1");
      return true;
    });
    return server;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Makes an empty database, and returns its address as SLUICE_DATABASE takes it. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `bench${this.#databases}`;
    await this.#execute(`CREATE DATABASE ${name}`);
    // What that and the database before it left to be written back is no part of what follows.
    await this.#execute("CHECKPOINT");
    return this.#urlOf(name);
  }

  /** Ends it. Whoever is still connected keeps it for the workshop's grace. */
  stop(workshop: Workshop): Promise<void> {
    return workshop.end(this.#process);
  }

  #urlOf(database: string): string {
    const host = encodeURIComponent(this.#folder);
    return `postgres://${role}@localhost:${port}/${database}?host=${host}`;
  }

  async #execute(text: string): Promise<void> {
    const address = parseDatabaseUrl(this.#urlOf("postgres"));
    if (typeof address === "string") {
      throw new Error(address);
    }
    const database = new Database(address, { timeoutMs: statementTimeoutMs });
    try {
      await database.run(text);
    } finally {
      await database.close();
    }
  }
}

function installedVersions(): string[] {
  const versions = existsSync(versionsFolder) ? readdirSync(versionsFolder) : [];
  return versions
    .filter((version) => existsSync(join(versionsFolder, version, "bin", "postgres")))
    .sort((a, b) => Number(b) - Number(a));
}

function commandOf(version: string, program: string, args: readonly string[]): string[] {
  // The kernel forgets what to send when the parent dies as soon as a process changes its user.
  const identity = isRoot
    ? ["--reuid", String(nobody.user), "--regid", String(nobody.group), "--clear-groups"]
    : [];
  const path = join(versionsFolder, version, "bin", program);
  return ["setpriv", ...identity, "--pdeathsig", "KILL", path, ...args];
}
