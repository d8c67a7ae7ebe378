import { afterAll, beforeAll, expect, test } from "bun:test";

import { HealthServer } from "../../src/orders/health-server.ts";
import { WorkerMetrics } from "../../src/orders/metrics.ts";
import { freePort } from "../support/redis-server.ts";

let unready: string | null = null;
const port = freePort();
const lag = { records: 90, entries: 9, seconds: 1.5, length: 100, deadLetters: 1 };
const metrics = new WorkerMetrics(
  "w1",
  () => unready === null,
  () => Promise.resolve(new Map([["tickets", lag]])),
);
const server = new HealthServer({ host: "127.0.0.1", port, metrics, unready: () => unready });
beforeAll(() => server.start());
afterAll(() => server.stop());

const ask = (path: string, method = "GET"): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, { method });

test("it is alive whether it is ready or not, and says why it is not", async () => {
  for (const [reason, status] of [
    [null, 200],
    ["cut off from the ledger", 503],
  ] as const) {
    unready = reason;
    expect((await ask("/healthz")).status).toBe(200);
    const answer = await ask("/readyz");
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(reason ?? "ready");
  }
});

test("what it tells Prometheus is what happened", async () => {
  metrics.stored(7);
  metrics.stored(5);
  metrics.batch(12);
  metrics.lapsed("tickets", 3);
  metrics.poison(true);
  metrics.fault("database");
  unready = "stopping";
  const text = await (await ask("/metrics")).text();
  for (const line of [
    'sluice_order_records_stored_total{node="w1"} 12',
    'sluice_order_batch_size_count{node="w1"} 1',
    'sluice_lapsed_holds_total{sale="tickets",node="w1"} 3',
    'sluice_poisonous_entries_total{outcome="dead",node="w1"} 1',
    'sluice_faults_total{kind="database",node="w1"} 1',
    'sluice_lag_records{sale="tickets",node="w1"} 90',
    'sluice_lag_entries{sale="tickets",node="w1"} 9',
    'sluice_lag_seconds{sale="tickets",node="w1"} 1.5',
    'sluice_dead_letters{sale="tickets",node="w1"} 1',
    'sluice_ready{node="w1"} 0',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("other paths and methods are told so, without a page of HTML", async () => {
  for (const [path, method, status] of [
    ["/", "GET", 404],
    ["/metrics", "POST", 405],
    ["/anything", "DELETE", 405],
  ] as const) {
    const answer = await ask(path, method);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toStartWith("application/json");
  }
});
