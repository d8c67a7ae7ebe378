import type { WorkerMetrics } from "./metrics.ts";

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: WorkerMetrics;
  /** Null if the worker stores orders, else why not. */
  readonly unready: () => string | null;
}

/** Nobody sends us a body. In bytes. */
const bodyMaxBytes = 1_024;
const stopPatienceMs = 1_000;

/** `/healthz`, `/readyz` and `/metrics` of an order worker. */
export class HealthServer {
  readonly #options: HealthServerOptions;
  #server: Bun.Server<undefined> | null = null;

  constructor(options: HealthServerOptions) {
    this.#options = options;
  }

  /** Listens. Throws if the address is taken. */
  start(): void {
    const { host, port, metrics, unready } = this.#options;
    this.#server = Bun.serve({
      hostname: host,
      port,
      maxRequestBodySize: bodyMaxBytes,
      // Bun 1.4.5 would share the port with any other process of this user, without a word.
      reusePort: false,
      // Otherwise an uncaught error is answered with a page of HTML that contains it.
      development: false,
      routes: {
        "/healthz": { GET: () => Response.json({ status: "alive" }) },
        "/readyz": {
          GET: () => {
            const reason = unready();
            const body = reason === null ? { status: "ready" } : { status: "unready", reason };
            return Response.json(body, { status: reason === null ? 200 : 503 });
          },
        },
        "/metrics": { GET: () => metrics.render() },
      },
      fetch: (request) =>
        request.method === "GET"
          ? Response.json({ status: "not found" }, { status: 404 })
          : Response.json({ status: "method not allowed" }, { status: 405 }),
    });
  }

  /** Stops listening; whoever is being answered has a second to take it. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server !== null) {
      const impatient = setTimeout(() => void server.stop(true), stopPatienceMs);
      await server.stop();
      clearTimeout(impatient);
    }
  }
}
