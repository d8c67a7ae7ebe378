import { compareAnswers, compareLoads } from "../compare-loads.ts";
import { type Measure, scaled } from "../measure.ts";
import { startScript } from "../servers/script-server.ts";
import { startSoldOutNode } from "../servers/sold-out-node.ts";
import { targets } from "../targets.ts";

/** What the crowd that gets nothing costs: the latch of one node, requests without a key. */
export const measureSoldOut: Measure = async (bench) => {
  const { workshop } = bench;
  const { node, redis, sold } = await startSoldOutNode(bench, "sold-out");
  const bare = await startScript(workshop, "bare-sync.ts");
  const [url, bareUrl] = [`${node.url}/buy/ticket`, `${bare.url}/buy/ticket`];
  const sizes = await compareAnswers(url, bareUrl);
  const result = await compareLoads(bench, {
    id: "soldOut",
    what: "sold-out path of one node, no key, against a bare sync handler",
    atLeast: targets.soldOutRatioMin,
    ours: { name: "node", url, status: 410, servers: { node: [node.pid] } },
    other: { name: "bare sync", url: bareUrl, status: 410, servers: { bare: [bare.pid] } },
    requests: scaled(bench, 120_000),
    notes: [sizes, `${sold} tickets were sold before`],
  });
  await workshop.end(bare.process);
  await workshop.end(node.process);
  await redis.stop(workshop);
  return [result];
};
