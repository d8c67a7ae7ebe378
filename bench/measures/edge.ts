import { compareLoads } from "../compare-loads.ts";
import { type Measure, scaled } from "../measure.ts";
import { startSoldOutStack } from "../servers/sold-out-stack.ts";
import { targets } from "../targets.ts";

/** What the sold-out cache costs above the least that the same Nginx can do. */
export const measureEdge: Measure = async (bench) => {
  const { stack, url, nginxPid, nodePids, stop } = await startSoldOutStack(bench);
  const nginx = [nginxPid];
  const bareUrl = `${stack.statusUrl}/bare-410`;
  const result = await compareLoads(bench, {
    id: "edge",
    what: "sold-out through Nginx against its bare return 410",
    atLeast: targets.edgeRatioMin,
    ours: { name: "cached 410", url, status: 410, servers: { nginx, nodes: nodePids } },
    other: { name: "return 410", url: bareUrl, status: 410, servers: { nginx } },
    requests: scaled(bench, 150_000),
    notes: [
      "four nodes behind it; their processor time a request answered at the edge is counted too",
    ],
  });
  await stop();
  return [result];
};
