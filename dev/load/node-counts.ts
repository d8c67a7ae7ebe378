/** Where a node's metrics are. Name and weight are for the report. */
export interface NodeAddress {
  readonly name: string;
  readonly url: string;
  readonly weight: number;
}

/** Purchases that a node has answered since it started. */
export interface NodeCount {
  readonly answered: number;
  readonly sold: number;
}

const scrapeTimeoutMs = 5_000;

/** Asks each node; one that does not answer is left out. */
export async function readNodeCounts(
  nodes: readonly NodeAddress[],
): Promise<ReadonlyMap<string, NodeCount>> {
  const counts = new Map<string, NodeCount>();
  const scrapes = nodes.map(async ({ name, url }) => {
    const count = await scrape(`${url}/metrics`);
    if (count !== null) {
      counts.set(name, count);
    }
  });
  await Promise.all(scrapes);
  return counts;
}

async function scrape(url: string): Promise<NodeCount | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(scrapeTimeoutMs) });
    return response.ok ? parseNodeCount(await response.text()) : null;
  } catch {
    // A node that is down has no figures; the report leaves it out.
    return null;
  }
}

/** Adds up `sluice_requests_total{outcome="..."}` of Prometheus' text format. */
export function parseNodeCount(metrics: string): NodeCount {
  let [answered, sold] = [0, 0];
  for (const [, labels = "", value] of metrics.matchAll(
    /^sluice_requests_total\{([^}]*)\} ([0-9.e+]+)$/gm,
  )) {
    answered += Number(value);
    sold += /\boutcome="sold"/.test(labels) ? Number(value) : 0;
  }
  return { answered, sold };
}

/** What each node answered between two readings; none for a node that one of them lacks. */
export function countsBetween(
  before: ReadonlyMap<string, NodeCount>,
  after: ReadonlyMap<string, NodeCount>,
): Map<string, NodeCount> {
  const between = new Map<string, NodeCount>();
  for (const [name, { answered, sold }] of after) {
    const earlier = before.get(name);
    // A node that was started again counts from nought.
    const restarted = earlier !== undefined && earlier.answered > answered;
    if (earlier !== undefined) {
      between.set(name, {
        answered: restarted ? answered : answered - earlier.answered,
        sold: restarted ? sold : sold - earlier.sold,
      });
    }
  }
  return between;
}
