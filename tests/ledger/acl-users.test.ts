import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { formatKey, nodesKey, orderGroup, saleKeys, salesKey } from "../../src/ledger/keys.ts";
import { signPayment } from "../../src/node/http/signature.ts";
import { NodeProcess } from "../faults/support/node-process.ts";
import { sluiceIn } from "../orders/support/command.ts";
import { killWorkers, WorkerProcess } from "../orders/support/worker-process.ts";
import { until } from "../support/until.ts";
import { AclServer, type User } from "./support/acl-server.ts";
import { contents } from "./support/contents.ts";
import { testTimeoutMs } from "./support/ledger-rig.ts";
import { fieldOf, listOf, numberOf, textOf } from "./support/shapes.ts";

/**
 * The users of redis/users.acl.j2 on a real server: a right that is missing shows on hosts only,
 * in the middle of a sale, and one too many shows never.
 */
setDefaultTimeout(testTimeoutMs);

const paymentSecret = "0123456789abcdef0123";
const consumerIdleMs = 1_000;
let server: AclServer;
let folder = "";
let nodes: NodeProcess[] = [];

beforeAll(async () => {
  server = await AclServer.start();
  folder = await mkdtemp(join(tmpdir(), "sluice-acl-test-"));
});
afterEach(async () => {
  await Promise.all([...nodes.splice(0).map((node) => node.kill()), killWorkers()]);
});
afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly order: string;
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, keepalive: false });
  const body = (await response.json()) as { data: { order?: string } | null };
  return { status: response.status, order: body.data?.order ?? "" };
}

function buy(node: NodeProcess, key: string, sale = "tickets"): Promise<Answer> {
  const headers = { "Idempotency-Key": key, "X-Buyer-Id": `buyer-of-${key}` };
  return ask(`${node.url}/sales/${sale}/orders`, { method: "POST", headers });
}

function pay(node: NodeProcess, order: string): Promise<Answer> {
  const signature = signPayment(paymentSecret, "{}", Math.floor(Date.now() / 1_000));
  const headers = { "X-Sluice-Signature": signature };
  return ask(`${node.url}/orders/${order}/payment`, { method: "POST", body: "{}", headers });
}

/** Buys with key after key until there is nothing left; returns the first key that came too late. */
async function sellOut(node: NodeProcess, prefix: string): Promise<string> {
  const most = 500;
  for (let number = 1; number <= most; number += 1) {
    const { status } = await buy(node, `${prefix}${number}`);
    if (status === 410) {
      return `${prefix}${number}`;
    }
    // 503 while a node asks itself what its share is.
    expect([201, 503]).toContain(status);
  }
  throw new Error(`${most} purchases, and the sale is not sold out`);
}

/** Runs a command as the operator, who must succeed with it. */
async function operate(...words: readonly string[]): Promise<string> {
  const environment = { SLUICE_REDIS: server.urlOf("operator") };
  const end = await sluiceIn({ environment }, ...words);
  expect(end, `sluice ${words.join(" ")}`).toMatchObject({ code: 0 });
  return end.out;
}

async function startNodes(): Promise<[NodeProcess, NodeProcess]> {
  const started = [
    { DURABILITY: "primary" },
    // Without its own copy of the sold keys it asks the ledger for each.
    { DURABILITY: "replica", SOLD_ORDERS_MAX: 0 },
  ].map(
    (settings, index) =>
      new NodeProcess({
        name: `node${index + 1}`,
        redis: server.urlOf("node"),
        sale: "tickets",
        folder,
        settings: { ...settings, PAYMENT_SECRET: paymentSecret },
      }),
  );
  nodes.push(...started);
  await Promise.all(started.map((node) => node.start()));
  await Promise.all(started.map((node) => node.untilReady()));
  return started as [NodeProcess, NodeProcess];
}

function startWorker(name: string): WorkerProcess {
  return WorkerProcess.start({
    name,
    redis: server.urlOf("worker"),
    database: `sqlite://${join(folder, "orders.db")}`,
    settings: { STREAM_KEEP: 1, CONSUMER_IDLE_MS: consumerIdleMs, CLAIM_IDLE_MS: 200 },
  });
}

/** Consumers of a sale's stream, by name, with the milliseconds since they were last heard of. */
async function consumers(sale: string): Promise<Map<string, number>> {
  const raw = await server.primary.client.xinfo("CONSUMERS", saleKeys(sale).events, orderGroup);
  return new Map(
    (raw as unknown[][]).map((flat) => [
      textOf(fieldOf(flat, "name")),
      numberOf(fieldOf(flat, "idle")),
    ]),
  );
}

test("a whole sale by node, worker, replica and operator: nobody is refused anything", async () => {
  const admin = server.primary.client;
  const database = ["--database", `sqlite://${join(folder, "orders.db")}`];
  const first = startWorker("worker1");
  await first.untilReady();
  const [one, two] = await startNodes();

  await operate("sale", "create", "tickets", "--total", "60", "--limit", "5");
  await operate("sale", "create", "brief", "--total", "20", "--hold", "1");
  await operate("sale", "create", "later", "--total", "1", "--opens", "2099-01-01T00:00:00Z");
  await operate("sale", "open", "tickets");
  await operate("sale", "open", "brief");

  // Purchases with both durabilities, a replay, and what becomes of orders.
  const sold = await until("a first ticket is sold", async () => {
    const answer = await buy(one, "mine");
    return answer.status === 201 ? answer : null;
  });
  expect(await buy(two, "mine")).toEqual(sold);
  expect(await pay(one, sold.order)).toMatchObject({ status: 200 });
  const other = await until("the other node sells", async () => {
    const answer = await buy(two, "yours");
    return answer.status === 201 ? answer : null;
  });
  expect(await ask(`${two.url}/orders/${other.order}`)).toMatchObject({ status: 200 });
  expect(await ask(`${two.url}/orders/${other.order}`, { method: "DELETE" })).toMatchObject({
    status: 200,
  });
  expect(await pay(two, other.order)).toMatchObject({ status: 409 });
  expect(await ask(`${one.url}/sales/tickets`)).toMatchObject({ status: 200 });
  const headers = { "X-Buyer-Id": "buyer-of-mine" };
  const request = ask(`${one.url}/sales/tickets/requests/mine`, { headers });
  expect(await request).toMatchObject({ status: 200, order: sold.order });

  // Holds that lapse, by the worker's sweep.
  const late = await until("a hold is sold", async () => {
    const answer = await buy(one, "late", "brief");
    return answer.status === 201 ? answer : null;
  });
  await until("it lapsed", async () => {
    const { held } = JSON.parse(await operate("sale", "show", "brief", "--json")) as SaleText;
    return held === 0;
  });
  // A payment that comes late takes its tickets anew, as there are some.
  expect(await pay(one, late.order)).toMatchObject({ status: 200 });

  // Sold out, what nodes know of keys then, and stock that comes back.
  await sellOut(one, "a");
  const absent = await sellOut(two, "b");
  expect(await buy(two, "mine")).toEqual(sold);
  expect(await buy(two, absent)).toMatchObject({ status: 410 });
  await operate("sale", "restock", "tickets", "5");
  await until("the restocked are sold", async () => (await buy(one, "back")).status === 201);
  // The nodes forget one that was silent for long.
  await admin.hset(nodesKey, "ghost", "1 1 1");
  await until("it is forgotten", async () => (await admin.hexists(nodesKey, "ghost")) === 0);

  // Another worker takes over, forgets the first, and trims what is stored.
  expect(await first.stop()).toBe(0);
  await until(
    "the first worker was silent for long",
    async () => ((await consumers("tickets")).get("worker1") ?? 0) > consumerIdleMs,
  );
  startWorker("worker2");
  await until("it is forgotten", async () => !(await consumers("tickets")).has("worker1"));
  await until(
    "the stream is trimmed",
    async () => (await admin.xlen(saleKeys("tickets").events)) <= 1,
  );
  await operate("audit", "tickets", ...database);
  await operate("audit", "brief", ...database);

  // What nobody can store, and an operator who sends it back.
  await admin.xadd(saleKeys("tickets").events, "*", "bad", "entry");
  await until("it is given up", async () => (await admin.xlen(saleKeys("tickets").dead)) === 1);
  expect(await operate("dead-letters", "tickets")).toContain('["bad","entry"]');
  expect(await operate("dead-letters", "tickets", "--replay", "all")).toStartWith("1 dead");

  await operate("sale", "pause", "tickets");
  await operate("sale", "open", "tickets");
  await operate("sale", "close", "brief");
  expect(await operate("sale", "list")).toContain("later");

  // A node that leaves says so to the ledger.
  one.terminate();
  expect(await one.exited()).toBe(0);
  expect(await server.refusals()).toEqual([]);
});

interface SaleText {
  readonly held: number;
}

const { events, secret } = saleKeys("tickets");
/** One of each kind that a thief of the password would like. */
const denied: Readonly<Record<Exclude<User, "admin">, readonly string[]>> = {
  node: [
    "CONFIG SET appendonly no",
    "FLUSHALL",
    "KEYS *",
    "DEBUG SLEEP 0",
    "ACL LIST",
    "REPLICAOF NO ONE",
    "SHUTDOWN NOSAVE",
    "EVAL return 0",
    `SMEMBERS ${salesKey}`,
    `SADD ${salesKey} mine`,
    `HSET ${salesKey} a b`,
    `SET ${formatKey} 2`,
    `INCR ${formatKey}`,
    `SET ${secret} mine`,
    `DEL ${nodesKey}`,
    `XRANGE ${events} - +`,
    `DEL ${events}`,
    "HSET elsewhere a b",
    "HGETALL elsewhere",
  ],
  worker: [
    "CONFIG GET requirepass",
    "FLUSHALL",
    "KEYS *",
    "ACL LIST",
    "SHUTDOWN NOSAVE",
    `SADD ${salesKey} mine`,
    `INCR ${formatKey}`,
    `SET ${secret} mine`,
    `HGETALL ${nodesKey}`,
    `DEL ${events}`,
    "HSET elsewhere a b",
  ],
  operator: [
    "CONFIG SET appendonly no",
    "FLUSHALL",
    "KEYS *",
    "ACL LIST",
    "SHUTDOWN NOSAVE",
    `DEL ${events}`,
    `DEL ${secret}`,
    `HSET ${nodesKey} node1 x`,
    `XTRIM ${events} MAXLEN 0`,
    "SADD elsewhere mine",
  ],
  replica: [
    `GET ${secret}`,
    `HGETALL ${saleKeys("tickets").stock}`,
    "INFO",
    "KEYS *",
    "FLUSHALL",
    "CONFIG GET *",
  ],
};

describe.each(Object.entries(denied))("user %s", (user, commands) => {
  test.each([...commands])("is refused %s", async (command) => {
    const client = server.connect(user as User);
    try {
      // EVAL's number of keys is left to here, as the script has a space.
      const [name = "", ...words] = command.split(" ");
      const all = name === "EVAL" ? [words.join(" "), "0"] : words;
      await expect(client.call(name, ...all)).rejects.toThrow("NOPERM");
    } finally {
      client.disconnect();
    }
  });
});

test("who says no name, or a wrong password, gets nothing", async () => {
  const nobody = server.connect(null);
  const guesser = server.connect("node", "guessed");
  try {
    await expect(nobody.get(saleKeys("tickets").stock)).rejects.toThrow("NOAUTH");
    await expect(guesser.ping()).rejects.toThrow(/NOAUTH|WRONGPASS|closed/);
    const refused = (await server.refusals()).filter(({ reason }) => reason === "auth");
    expect(refused).toMatchObject([{ user: "node", object: "hello" }]);
  } finally {
    nobody.disconnect();
    guesser.disconnect();
  }
});

test("Redis starts again with everything that it had", async () => {
  // It executes its append-only file as the default user, whom clients cannot be. What that user may
  // not do is left out without an error.
  await operate("sale", "create", "kept", "--total", "7");
  await operate("sale", "open", "kept");
  const before = await contents(server.primary.client);
  expect(before).toContainKeys([saleKeys("kept").stock, salesKey]);
  await server.primary.kill();
  await server.primary.restart();
  expect(await contents(server.primary.client)).toEqual(before);
});

test("passwords stand as hashes, and only words of a later Redis were left out here", async () => {
  const list = listOf(await server.primary.client.call("ACL", "LIST"), textOf);
  expect(list.filter((line) => / on /.test(line))).toHaveLength(5);
  for (const line of list) {
    expect(line).toMatch(/^user default off |#[0-9a-f]{64} /);
  }
  expect(server.leftOut).toEqual(
    server.primary.isAtLeast(7, 2) ? [] : ["+client|setinfo", "+waitaof"],
  );
});
