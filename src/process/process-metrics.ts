import { readdirSync, readFileSync } from "node:fs";

import { Counter, Gauge, type Registry } from "prom-client";

/** When this process began, in seconds since the epoch of Unix. */
const startedAtSeconds = (Date.now() - performance.now()) / 1_000;

/**
 * What every process reports of itself, by the names that Prometheus' clients use. Read when it is
 * asked for: prom-client's own collection watches the event loop a hundred times a second, which
 * takes an idle process three times what the rest of it does (7 of 9 ms of each second, Bun 1.4.5).
 */
export function addProcessMetrics(registry: Registry): void {
  addProcessorTime(registry);
  const gauge = (name: string, help: string, read: () => number) => {
    const made: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: () => made.set(read()),
    });
  };
  gauge("process_start_time_seconds", "When it began.", () => startedAtSeconds);
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage().rss);
  gauge("process_open_fds", "Open file descriptors.", () => readdirSync("/proc/self/fd").length);
  gauge("process_max_fds", "File descriptors that it may open.", openFilesMax);
  gauge("nodejs_heap_size_total_bytes", "The heap.", () => process.memoryUsage().heapTotal);
  gauge("nodejs_heap_size_used_bytes", "Used of it.", () => process.memoryUsage().heapUsed);
}

function addProcessorTime(registry: Registry): void {
  const parts = { user: () => process.cpuUsage().user, system: () => process.cpuUsage().system };
  for (const [part, readMicros] of Object.entries(parts)) {
    const counter: Counter = new Counter({
      name: `process_cpu_${part}_seconds_total`,
      help: `Processor time, ${part}.`,
      registers: [registry],
      collect: () => {
        counter.reset();
        counter.inc(readMicros() / 1e6);
      },
    });
  }
}

function openFilesMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
}
