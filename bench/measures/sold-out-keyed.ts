import { compareAnswers, compareLoads, type Generate } from "../compare-loads.ts";
import { runKeyedLoad } from "../keyed-load.ts";
import { type Bench, type Measure, scaled } from "../measure.ts";
import { runOha } from "../oha.ts";
import { startScript } from "../servers/script-server.ts";
import { startSoldOutNode } from "../servers/sold-out-node.ts";
import { targets } from "../targets.ts";

const keys = { headers: ["key"], replayEvery: 0 } as const;

const withKeys: Generate = ({ workshop, options }, url, requests) =>
  runKeyedLoad(workshop, { ...keys, url, requests, connections: options.connections });

/** The latch of one node when each request has a key of its own, none of which was ever sold. */
export const measureSoldOutKeyed: Measure = async (bench) => {
  const { workshop } = bench;
  const { node, redis, sold } = await startSoldOutNode(bench, "sold-out-keyed");
  const bare = await startScript(workshop, "bare-sync.ts");
  const [url, bareUrl] = [`${node.url}/buy/ticket`, `${bare.url}/buy/ticket`];
  const sizes = await compareAnswers(url, bareUrl);
  const requests = scaled(bench, 120_000);
  const check = await checkGenerator(bench, bareUrl, requests);
  const result = await compareLoads(bench, {
    id: "soldOutKeyed",
    what: "sold-out path of one node, with keys, against the same",
    atLeast: targets.soldOutKeyedRatioMin,
    ours: { name: "node", url, status: 410, servers: { node: [node.pid], redis: [redis.pid] } },
    other: { name: "bare sync", url: bareUrl, status: 410, servers: { bare: [bare.pid] } },
    requests,
    notes: [
      "Idempotency-Key: 32 hexadecimal digits, another one in each request, to both sides",
      `${sold} sold keys in the node's memory, which are read after a heartbeat of being sold out`,
      check,
      sizes,
    ],
    generate: withKeys,
  });
  await workshop.end(bare.process);
  await workshop.end(node.process);
  await redis.stop(workshop);
  return [result];
};

/** oha cannot send another header with each request, so the generator here is our own. */
async function checkGenerator(bench: Bench, url: string, requests: number): Promise<string> {
  const { workshop, options } = bench;
  const load = { url, requests, connections: options.connections };
  await runKeyedLoad(workshop, { ...keys, ...load });
  const oha = await runOha(workshop, load);
  const own = await runKeyedLoad(workshop, { ...keys, ...load });
  const perSecond = (seconds: number) => Math.round(requests / seconds);
  return (
    `load generator: bench/keyed-load-process.ts, which reaches ${perSecond(own.seconds)}/s with ` +
    `keys on the bare handler where oha reaches ${perSecond(oha.seconds)}/s without`
  );
}
