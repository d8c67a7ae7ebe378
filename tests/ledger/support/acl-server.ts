import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Redis } from "ioredis";

import { RedisServer, redisVersion } from "../../support/redis-server.ts";
import { fieldOf, numberOf, textOf } from "./shapes.ts";

const template = join(import.meta.dir, "../../../redis/users.acl.j2");

/** Users of the template that have a password; each has its name for one here. */
export type User = "admin" | "replica" | "node" | "worker" | "operator";

/** Words of a later Redis, which an older one refuses to read: of nobody's work before it. */
const newerWords: readonly { readonly word: string; readonly since: readonly [number, number] }[] =
  [
    { word: "+client|setinfo", since: [7, 2] },
    { word: "+waitaof", since: [7, 2] },
  ];

/** What a user may not do, as Redis noted it down. */
export interface Refusal {
  readonly user: string;
  readonly reason: string;
  readonly object: string;
  readonly context: string;
  readonly count: number;
}

/** Real servers with the users of redis/users.acl.j2: a primary, and a replica that follows it. */
export class AclServer {
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  /** Words that this redis-server does not know, and that are not tested therefore. */
  readonly leftOut: readonly string[];
  readonly #folder: string;

  private constructor(
    primary: RedisServer,
    replica: RedisServer,
    leftOut: readonly string[],
    folder: string,
  ) {
    this.primary = primary;
    this.replica = replica;
    this.leftOut = leftOut;
    this.#folder = folder;
  }

  static async start(): Promise<AclServer> {
    const folder = await mkdtemp(join(tmpdir(), "sluice-acl-"));
    const { users, leftOut } = await readUsers();
    const aclfile = join(folder, "users.acl");
    await writeFile(aclfile, users);
    const login = { user: "admin", password: "admin" };
    // As the nodes' durability asks for it.
    const settings = { aclfile, appendonly: "yes", appendfsync: "always" };
    const primary = await RedisServer.start({ login, settings });
    try {
      const replica = await RedisServer.start({
        login,
        settings: { ...settings, masteruser: "replica", masterauth: "replica" },
        replicaOf: primary,
      });
      return new AclServer(primary, replica, leftOut, folder);
    } catch (error) {
      await primary.remove();
      throw error;
    }
  }

  /** Address of the primary for a user, with its password. */
  urlOf(user: User): string {
    return `redis://${user}:${user}@127.0.0.1:${this.primary.port}/0`;
  }

  /** A connection of a user's; `null` says no name. */
  connect(user: User | null, password: string = user ?? ""): Redis {
    const client = new Redis({
      port: this.primary.port,
      ...(user === null ? {} : { username: user, password }),
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    client.on("error", () => undefined); // The command's rejection tells.
    return client;
  }

  /** Everything that was refused to anybody on either server, since they were started. */
  async refusals(): Promise<Refusal[]> {
    const logs = await Promise.all(
      [this.primary, this.replica].map((server) => server.client.call("ACL", "LOG", "128")),
    );
    return (logs as unknown[][][]).flat().map((flat) => ({
      user: textOf(fieldOf(flat, "username")),
      reason: textOf(fieldOf(flat, "reason")),
      object: textOf(fieldOf(flat, "object")),
      context: textOf(fieldOf(flat, "context")),
      count: numberOf(fieldOf(flat, "count")),
    }));
  }

  async remove(): Promise<void> {
    await this.replica.remove();
    await this.primary.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/**
 * The template as Ansible renders it. It consists of comments and of hashes of passwords; whatever
 * else Jinja knows is refused here, so that nothing is tested that hosts would not get.
 */
async function readUsers(): Promise<{ users: string; leftOut: string[] }> {
  const rendered = (await readFile(template, "utf8"))
    .replace(/\{#[\s\S]*?(-#\}\s*|#\}\n?)/g, "")
    .replace(/\{\{ sluice_redis_([a-z]+)_password \| hash\('sha256'\) \}\}/g, (_, name: string) =>
      createHash("sha256")
        .update(name === "replication" ? "replica" : name)
        .digest("hex"),
    );
  const strange = /\{[{%#].*/.exec(rendered);
  if (strange !== null) {
    throw new Error(`this reader of ${template} does not know: ${strange[0]}`);
  }
  const [major, minor] = redisVersion();
  const leftOut = newerWords
    .filter(({ since }) => major < since[0] || (major === since[0] && minor < since[1]))
    .map(({ word }) => word);
  const users = leftOut.reduce((text, word) => text.replaceAll(` ${word}`, ""), rendered);
  return { users, leftOut };
}
