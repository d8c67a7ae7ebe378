import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ROLES } from "./support/roles.ts";

/** What a drain asks the balancers of a tier with: pool.bash of their role, and ask.bash behind it. */

const IPVS = `IP Virtual Server version 1.2.1 (size=262144)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.77.0.100:80 mh (mh-fallback,mh-port)
  -> 10.77.0.21:80                Route   1      2          40
  -> 10.77.0.22:80                Route   0      0          3
`;

let directory = "";
let node: Bun.Server<undefined> | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "balancer-pool-"));
  await Bun.write(join(directory, "ipvs"), IPVS);
  node = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
});
afterAll(async () => {
  await node?.stop(true);
  await rm(directory, { recursive: true, force: true });
});

interface Answer {
  readonly code: number;
  readonly lines: unknown[];
  readonly error: string;
}

/** Runs ask.bash behind a role's pool.bash; `before` stands in for what only a balancer has. */
async function ask(role: string, before: string, environment: Record<string, string>) {
  const pool = await Bun.file(join(ROLES, role, "files", "pool.bash")).text();
  const script = await Bun.file(join(ROLES, "drain", "files", "ask.bash")).text();
  const child = Bun.spawn(["bash", "-s"], {
    stdin: new Blob([`${pool}\n${before}\n${script}`]),
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env["PATH"], BALANCER: "b1", WEIGHT: "", LIMIT: "0", ...environment },
  });
  const [output, error, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  const lines = output.split("\n").filter((line) => line !== "");
  return { code, lines: lines.map((line) => JSON.parse(line) as unknown), error } as Answer;
}

const askDirector = (environment: Record<string, string>) =>
  ask("lvs_director", `ipvsadm() { cat '${directory}/ipvs'; }`, environment);

test("a director reports its web hosts, and one that it does not know as one that gets nobody", async () => {
  const answer = await askDirector({ HOSTS: "web1=10.77.0.21 web2=10.77.0.22 web3=10.77.0.2 " });
  expect(answer).toEqual({
    code: 0,
    error: "",
    lines: [
      { balancer: "b1", host: "web1", weight: 1, connections: 42 },
      { balancer: "b1", host: "web2", weight: 0, connections: 3 },
      { balancer: "b1", host: "web3", weight: 0, connections: 0 },
    ],
  });
});

test("waiting ends when the balancer has taken the host out", async () => {
  const table = join(directory, "ipvs");
  const waiting = askDirector({ HOSTS: "web1=10.77.0.21", WEIGHT: "0", LIMIT: "20" });
  await Bun.sleep(100);
  await Bun.write(`${table}.new`, IPVS.replace("Route   1", "Route   0"));
  // In one step: it is read all the time.
  await rename(`${table}.new`, table);
  const answer = await waiting;
  await Bun.write(table, IPVS);
  expect(answer.code).toBe(0);
  expect(answer.lines).toEqual([{ balancer: "b1", host: "web1", weight: 0, connections: 42 }]);
});

test("a host that is not taken out within the limit is an error, which names it", async () => {
  const answer = await askDirector({ HOSTS: "web1=10.77.0.21", WEIGHT: "0", LIMIT: "1" });
  expect(answer.code).toBe(1);
  expect(answer.error).toBe("b1 gives web1 the weight 1 instead of 0 after 1 s.\n");
});

test("a balancer that cannot be asked is an error, and no host without buyers", async () => {
  const answer = await ask("lvs_director", "ipvsadm() { return 1; }", { HOSTS: "web1=10.77.0.21" });
  expect(answer.code).not.toBe(0);
  expect(answer.lines).toEqual([]);
});

test("an Nginx host counts the processes of its list that answer, with their weights", async () => {
  const listed = [
    `server 127.0.0.1:${node?.port} weight=3 max_fails=5 fail_timeout=1s;`,
    // Nobody listens there.
    "server 127.0.0.1:1 weight=3 max_fails=5 fail_timeout=1s;",
    "server 127.0.0.2:1 weight=2 max_fails=5 fail_timeout=1s;",
  ];
  await Bun.write(join(directory, "upstream.conf"), `${listed.join("\n")}\n`);
  const answer = await ask("nginx", `UPSTREAM=${join(directory, "upstream.conf")}`, {
    HOSTS: "node1=127.0.0.1 node2=127.0.0.2 node3=127.0.0.3",
  });
  expect(answer.error).toBe("");
  expect(answer.lines).toMatchObject([
    { host: "node1", weight: 3 },
    { host: "node2", weight: 0 },
    { host: "node3", weight: 0 },
  ]);
});
