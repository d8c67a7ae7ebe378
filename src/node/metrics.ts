import { Counter, Gauge, Histogram, type Metric, Registry } from "prom-client";

import { addProcessMetrics } from "../process/process-metrics.ts";
import { addBuildInfo } from "../process/release.ts";
import type { OutcomeKind } from "../sale/outcome.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import type { SaleDesk } from "./selling/sale-desk.ts";
import type { SaleDesks } from "./selling/sale-desks.ts";

const outcomes: readonly OutcomeKind[] = [
  "sold",
  "undecided",
  "soldOut",
  "fewerLeft",
  "notOnSale",
  "limitReached",
  "busy",
  "unknownSale",
  "buyerMissing",
];

/** What a node reports to Prometheus. */
export class NodeMetrics {
  readonly #registry = new Registry();
  readonly #latency = new LatencyHistogram({
    name: "sluice_request_duration_seconds",
    help: "Time from request to answer of purchases, by outcome.",
    label: "outcome",
    // From an answer out of memory to the deadline.
    bucketsSeconds: [
      0.00001, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
      0.5, 1, 2.5,
    ],
  });
  readonly #roundTrip = new LatencyHistogram({
    name: "sluice_ledger_round_trip_seconds",
    help: "Time from sending a script to its answer, its durability included.",
    label: "script",
    bucketsSeconds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
  });
  readonly #batchSize: Histogram;
  readonly #faults: Counter<"kind">;
  readonly #desks: () => SaleDesks;

  /** `desks` is asked at each scrape, as is `ready`. */
  constructor(node: string, desks: () => SaleDesks, ready: () => boolean) {
    this.#desks = desks;
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ node });
    addProcessMetrics(this.#registry);
    addBuildInfo(this.#registry);
    this.#registry.registerMetric(this.#latency as unknown as Metric);
    this.#registry.registerMetric(this.#roundTrip as unknown as Metric);
    this.#batchSize = new Histogram({
      name: "sluice_batch_size",
      help: "Requests in one script.",
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000],
      registers,
    });
    this.#faults = new Counter({
      name: "sluice_faults_total",
      help: "Calls to the ledger that had no answer, and bad requests.",
      labelNames: ["kind"],
      registers,
    });
    this.#addOutcomes();
    this.#addSaleGauges();
    const readyGauge: Gauge = new Gauge({
      name: "sluice_ready",
      help: "1 if the node is able to sell.",
      registers,
      collect: () => readyGauge.set(ready() ? 1 : 0),
    });
    const livingGauge: Gauge = new Gauge({
      name: "sluice_living_nodes",
      help: "Nodes that live, this one included.",
      registers,
      collect: () => livingGauge.set(desks().livingNodes),
    });
  }

  /** One purchase was answered. */
  purchase(outcome: OutcomeKind, durationNs: number): void {
    this.#latency.observe(outcome, durationNs);
  }

  batch(size: number): void {
    this.#batchSize.observe(size);
  }

  roundTrip(script: string, durationMs: number): void {
    this.#roundTrip.observe(script, durationMs * 1e6);
  }

  fault(kind: "ledger" | "connection" | "badRequest" | "internal"): void {
    this.#faults.inc({ kind });
  }

  /** What is shown of a sale is not older than a heartbeat, where the ledger answers. */
  async render(): Promise<Response> {
    await this.#desks().freshen();
    const text = await this.#registry.metrics();
    return new Response(text, { headers: { "Content-Type": this.#registry.contentType } });
  }

  #addOutcomes(): void {
    const counter = new Counter({
      name: "sluice_requests_total",
      help: "Purchases answered, by outcome.",
      labelNames: ["outcome"],
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const outcome of outcomes) {
          counter.inc({ outcome }, 0);
        }
        for (const [outcome, count] of this.#latency.counts()) {
          counter.inc({ outcome }, count);
        }
      },
    });
  }

  #addSaleGauges(): void {
    const gauge = (name: string, help: string, value: (desk: SaleDesk) => number | null) => {
      const made = new Gauge({
        name,
        help,
        labelNames: ["sale"],
        registers: [this.#registry],
        collect: () => {
          made.reset();
          for (const desk of this.#desks().all()) {
            const now = value(desk);
            if (now !== null) {
              made.set({ sale: desk.sale }, now);
            }
          }
        },
      });
    };
    gauge("sluice_queue_length", "Requests that wait for a batch.", (desk) => desk.queued);
    gauge("sluice_local_stock", "Tickets this node may ask for now.", (desk) => desk.localStock);
    gauge("sluice_left", "Tickets left, when last seen.", (desk) => desk.snapshot?.left ?? null);
    gauge("sluice_epoch", "Epoch of the sale.", (desk) => desk.snapshot?.epoch ?? null);
  }
}
