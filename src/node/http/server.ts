import { bodyHardMaxBytes } from "./body.ts";
import { answerUnrouted, createRoutes, type RoutesOptions } from "./routes.ts";

export interface ServerOptions extends RoutesOptions {
  readonly host: string;
  readonly port: number;
  /** Must be above Nginx's upstream keepalive_timeout, or Nginx writes into a closing socket. */
  readonly idleSeconds: number;
  readonly onInternalError: (error: Error) => void;
}

/** The HTTP server of a ticket node. It decides nothing: it reads requests and writes answers. */
export class TicketServer {
  readonly #options: ServerOptions;
  #server: Bun.Server<undefined> | null = null;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Listens, and returns the port. Throws if the address is taken. */
  start(): number {
    const { host, port, idleSeconds, answers, onInternalError, metrics } = this.#options;
    const routes = createRoutes(this.#options);
    this.#server = Bun.serve({
      hostname: host,
      port,
      idleTimeout: idleSeconds,
      maxRequestBodySize: bodyHardMaxBytes,
      // Bun 1.4.5 would share the port with any other process of this user, without a word.
      reusePort: false,
      // Otherwise an uncaught error is answered with a page of HTML that contains it.
      development: false,
      routes,
      fetch: answerUnrouted(routes, answers),
      error: (error) => {
        metrics.fault("internal");
        onInternalError(error);
        return answers.internal();
      },
    });
    return this.#server.port ?? port;
  }

  /** Stops listening and waits for what is being answered, at most `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    const server = this.#server;
    if (server === null) {
      return;
    }
    const forceStop = setTimeout(() => void server.stop(true), patienceMs);
    await server.stop();
    clearTimeout(forceStop);
  }
}
