import { Counter, Gauge, Histogram, Registry } from "prom-client";

import type { StreamLag } from "../ledger/outbox/lag.ts";
import { addProcessMetrics } from "../process/process-metrics.ts";
import { addBuildInfo } from "../process/release.ts";
import type { LagsBySale } from "./lags.ts";

/** What Prometheus reads of an order worker. */
export class WorkerMetrics {
  readonly #registry = new Registry();
  readonly #stored = this.#counter(
    "sluice_order_records_stored_total",
    "Entries of orders that were stored and acknowledged, repetitions included.",
  );
  readonly #batchSize: Histogram;
  readonly #lapsed: Counter<"sale">;
  readonly #poison: Counter<"outcome">;
  readonly #faults: Counter<"kind">;
  readonly #lag: Record<keyof StreamLag, Gauge<"sale">>;
  readonly #lags: () => Promise<LagsBySale>;

  /** `ready` is asked at each scrape, as is `lags`, which never rejects. */
  constructor(node: string, ready: () => boolean, lags: () => Promise<LagsBySale>) {
    this.#lags = lags;
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ node });
    addProcessMetrics(this.#registry);
    addBuildInfo(this.#registry);
    this.#batchSize = new Histogram({
      name: "sluice_order_batch_size",
      help: "Rows that a transaction stores.",
      buckets: [1, 5, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000],
      registers,
    });
    this.#lapsed = this.#counter("sluice_lapsed_holds_total", "Holds put back on sale.", ["sale"]);
    this.#poison = this.#counter(
      "sluice_poisonous_entries_total",
      "Tries to store an entry that cannot be stored: it stays pending, or becomes a dead letter.",
      ["outcome"],
    );
    this.#faults = this.#counter(
      "sluice_faults_total",
      "Calls to the ledger or to the database that had no answer, or not the right one.",
      ["kind"],
    );
    this.#lag = {
      records: this.#gauge("sluice_lag_records", "Order records that are not stored."),
      entries: this.#gauge("sluice_lag_entries", "Entries of the outbox that are not stored."),
      seconds: this.#gauge("sluice_lag_seconds", "Age of the oldest entry that is not stored."),
      length: this.#gauge("sluice_outbox_entries", "Entries in the outbox, stored or not."),
      deadLetters: this.#gauge("sluice_dead_letters", "Entries that could not be stored."),
    };
    const readyGauge: Gauge = new Gauge({
      name: "sluice_ready",
      help: "1 if the worker stores orders.",
      registers,
      collect: () => readyGauge.set(ready() ? 1 : 0),
    });
    for (const kind of ["ledger", "connection", "database"] as const) {
      this.#faults.inc({ kind }, 0);
    }
    for (const outcome of ["pending", "dead"] as const) {
      this.#poison.inc({ outcome }, 0);
    }
  }

  stored(records: number): void {
    this.#stored.inc(records);
  }

  batch(records: number): void {
    if (records > 0) {
      this.#batchSize.observe(records);
    }
  }

  lapsed(sale: string, holds: number): void {
    this.#lapsed.inc({ sale }, holds);
  }

  poison(moved: boolean): void {
    this.#poison.inc({ outcome: moved ? "dead" : "pending" });
  }

  fault(kind: "ledger" | "connection" | "database"): void {
    this.#faults.inc({ kind });
  }

  async render(): Promise<Response> {
    for (const [sale, lag] of await this.#lags()) {
      this.#lag.records.set({ sale }, lag.records);
      this.#lag.entries.set({ sale }, lag.entries);
      this.#lag.seconds.set({ sale }, lag.seconds);
      this.#lag.length.set({ sale }, lag.length);
      this.#lag.deadLetters.set({ sale }, lag.deadLetters);
    }
    const text = await this.#registry.metrics();
    return new Response(text, { headers: { "Content-Type": this.#registry.contentType } });
  }

  #counter<T extends string>(name: string, help: string, labelNames: T[] = []): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string): Gauge<"sale"> {
    return new Gauge({ name, help, labelNames: ["sale"], registers: [this.#registry] });
  }
}
