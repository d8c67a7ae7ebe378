import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "../../src/node/config.ts";
import { HttpConnection } from "../lab/tools/http-connection.ts";
import { until } from "../support/until.ts";
import { NginxProcess } from "./support/nginx-process.ts";
import { removeRigs, Rig, sale } from "./support/rig.ts";

// Half a minute on two idle cores; the rest is for those that are not.
setDefaultTimeout(180_000);

const buyersProgram = join(import.meta.dir, "../lab/tools/buyers.ts");
/** One at a time, as a deployment does; the heaviest, which most purchases reach, more often. */
const restarts: readonly number[] = [4, 3, 4, 2];
const connections = 50;

let nginx: NginxProcess | null = null;
let folder = "";
afterEach(async () => {
  await nginx?.stop();
  nginx = null;
  await removeRigs();
  await rm(folder, { recursive: true, force: true });
});

interface Summary {
  readonly attempts: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly incidents: readonly { readonly outcome: string; readonly reason: string }[];
  readonly duplicates: number;
  readonly decided: { readonly sold: number };
}

/** A crowd that sends each request once, and says what became of it when it is told to stop. */
function startCrowd(port: number) {
  const limits = ["--once", "--connections", String(connections), "--requests", "1000000"];
  const child = Bun.spawn(
    ["setpriv", "--pdeathsig", "SIGKILL", process.execPath, buyersProgram, "127.0.0.1"].concat(
      [String(port), sale],
      limits,
    ),
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const said = new Response(child.stdout).text();
  return async (): Promise<Summary> => {
    await child.stdin.end();
    return JSON.parse((await said).trimEnd().split("\n").at(-1) ?? "") as Summary;
  };
}

test("nodes restart again and again under load behind Nginx: every purchase is answered, none with a doubt", async () => {
  // As in production: Nginx must have let go of its connections before no new one is accepted.
  const { drainMs } = readConfig({ SLUICE_NODE: "any", SLUICE_REDIS: "redis://127.0.0.1" });
  const rig = await Rig.start({ tickets: 1_000_000, nodes: 4, node: { DRAIN_MS: drainMs } });
  folder = await mkdtemp(join(tmpdir(), "sluice-restarts-"));
  nginx = await NginxProcess.start(folder, rig.nodes);
  const stopCrowd = startCrowd(nginx.port);
  const sold = async () => (await rig.operations.read(sale))?.held ?? 0;
  for (const number of restarts) {
    const before = await sold();
    // Else there might be nobody whom a restart could hurt.
    await until("the crowd is served", async () => (await sold()) > before + connections);
    const node = rig.node(number);
    node.terminate();
    expect(await node.exited()).toBe(0);
    expect(await node.log()).not.toContain("still accepted");
    await node.restart();
    await node.untilReady();
  }
  const summary = await stopCrowd();
  expect(summary.incidents).toEqual([]);
  expect(summary.outcomes).toEqual({ sold: summary.attempts });
  expect(summary.duplicates).toBe(0);
  expect(await sold()).toBe(summary.decided.sold);
  console.log(`${restarts.length} restarts, ${summary.attempts} purchases`);
});

/** Longer than a node of these tests ignores new connections at the least: a quarter of DRAIN_MS. */
const connectMs = 250;

/** Whether a new connection is accepted; one without an answer for so long is not. */
async function accepts(port: number): Promise<boolean> {
  const connection = new HttpConnection(
    { host: "127.0.0.1", port },
    { connectMs, answerMs: connectMs },
  );
  const opened = await connection.open().then(
    () => true,
    () => false,
  );
  connection.close();
  return opened;
}

test("a connection from before a draining node stopped accepting is served, however late it asks", async () => {
  const rig = await Rig.start({ tickets: 10, node: { DRAIN_MS: 400 } });
  const node = rig.node(1);
  const early = new HttpConnection(
    { host: "127.0.0.1", port: node.port },
    { connectMs: 5_000, answerMs: 5_000 },
  );
  await early.open();
  node.terminate();
  await until("no new connection is accepted", async () => !(await accepts(node.port)));
  const answer = await early.request({ method: "POST", path: `/sales/${sale}/orders` });
  expect(answer.status).toBe(201);
  expect(answer.closes).toBe(true);
  expect(await node.exited()).toBe(0);
});

test("a connection that never sends a request does not keep a draining node from ending", async () => {
  const rig = await Rig.start({ tickets: 10 });
  const node = rig.node(1);
  const silent = new HttpConnection(
    { host: "127.0.0.1", port: node.port },
    { connectMs: 5_000, answerMs: 5_000 },
  );
  await silent.open();
  node.terminate();
  expect(await node.exited()).toBe(0);
  expect(await node.log()).toContain("connections without a request are closed");
  silent.close();
});
