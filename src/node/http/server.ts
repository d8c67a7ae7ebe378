import Type from "typebox";
import { Compile } from "typebox/compile";

import type { Outcome } from "../../sale/outcome.ts";
import { keyPattern, quantityMax, saleIdPattern } from "../../sale/sale.ts";
import type { NodeMetrics } from "../metrics.ts";
import type { SaleDesk } from "../selling/sale-desk.ts";
import type { SaleDesks } from "../selling/sale-desks.ts";
import type { Answers } from "./answers.ts";
import { orderRoutes } from "./order-routes.ts";

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Must be above Nginx's upstream keepalive_timeout, or Nginx writes into a closing socket. */
  readonly idleSeconds: number;
  readonly answers: Answers;
  readonly desks: SaleDesks;
  readonly metrics: NodeMetrics;
  /** Null: no payment is accepted. */
  readonly paymentSecret: string | null;
  /** Null if the node is able to sell, else why not. */
  readonly unready: () => string | null;
  readonly onInternalError: (error: Error) => void;
}

/** A body beyond this is answered 413, in bytes. The largest sensible one has 20. */
const bodyMaxBytes = 4_096;
/** Beyond this Bun itself cuts the request off, before it reaches any code of ours. */
const bodyHardMaxBytes = 65_536;

const orderBody = Compile(
  Type.Object(
    { quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: quantityMax })) },
    { additionalProperties: false },
  ),
);

const soldOut: Outcome = { kind: "soldOut" };

type Handler = (request: Request) => Response | Promise<Response>;

/** The HTTP server of a ticket node. It decides nothing: it reads requests and words answers. */
export class TicketServer {
  readonly #options: ServerOptions;
  #server: Bun.Server<undefined> | null = null;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Listens. Throws if the address is taken. */
  start(): void {
    const { host, port, idleSeconds, answers, onInternalError, metrics } = this.#options;
    this.#server = Bun.serve({
      hostname: host,
      port,
      idleTimeout: idleSeconds,
      maxRequestBodySize: bodyHardMaxBytes,
      // Bun 1.4.5 would share the port with any other process of this user, without a word.
      reusePort: false,
      // Otherwise an uncaught error is answered with a page of HTML that contains it.
      development: false,
      routes: this.#routes(),
      fetch: (request) => this.#otherwise(request),
      error: (error) => {
        metrics.fault("internal");
        onInternalError(error);
        return answers.internal();
      },
    });
  }

  /** Requests that are being answered. */
  get pending(): number {
    return this.#server?.pendingRequests ?? 0;
  }

  /** Stops listening and waits for what is being answered, at most `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    const server = this.#server;
    if (server === null) {
      return;
    }
    const impatient = setTimeout(() => void server.stop(true), patienceMs);
    await server.stop();
    clearTimeout(impatient);
  }

  #routes() {
    const { answers, desks, metrics, unready } = this.#options;
    const sale =
      (handle: (desk: SaleDesk, request: Request, key: string) => ReturnType<Handler>) =>
      (request: Bun.BunRequest): ReturnType<Handler> => {
        const { sale: id = "", key = "" } = request.params as { sale?: string; key?: string };
        if (!saleIdPattern.test(id)) {
          return answers.unknownSale();
        }
        const desk = desks.open(id);
        return desk === null ? answers.busy() : handle(desk, request, key);
      };
    const show = sale((desk) => this.#showSale(desk));
    const fate = sale((desk, _, key) => this.#fate(desk, key));
    const alive = () => answers.health(true, "alive");
    const ready = () => answers.health(unready() === null, unready() ?? "ready");
    const scrape = () => metrics.render();
    return {
      "/buy/ticket": { POST: (request: Request) => this.#buy(desks.default, request) },
      "/sales/:sale/orders": { POST: sale((desk, request) => this.#order(desk, request)) },
      "/sales/:sale": { GET: show, HEAD: show },
      "/sales/:sale/requests/:key": { GET: fate, HEAD: fate },
      ...orderRoutes({
        ...this.#options,
        bodyMaxBytes,
        nowSeconds: () => Math.floor(Date.now() / 1_000),
      }),
      "/healthz": { GET: alive, HEAD: alive },
      "/readyz": { GET: ready, HEAD: ready },
      "/metrics": { GET: scrape, HEAD: scrape },
    };
  }

  /** What no route took: a wrong method on a path that there is, or no path of ours. */
  #otherwise(request: Request): Response {
    const { answers } = this.#options;
    const { pathname } = new URL(request.url);
    if (/^\/orders\/[^/]+$/.test(pathname)) {
      return answers.methodNotAllowed("GET, HEAD, DELETE");
    }
    if (/^\/buy\/ticket$|^\/sales\/[^/]+\/orders$|^\/orders\/[^/]+\/payment$/.test(pathname)) {
      return answers.methodNotAllowed("POST");
    }
    if (/^\/(healthz|readyz|metrics)$|^\/sales\/[^/]+(\/requests\/[^/]+)?$/.test(pathname)) {
      return answers.methodNotAllowed("GET, HEAD");
    }
    return answers.notFound();
  }

  /** The shortest way to the answer that nearly everybody gets: nothing else of it is looked at. */
  #soldOutForAll(desk: SaleDesk, request: Request): boolean {
    return desk.latched && request.headers.get("idempotency-key") === null;
  }

  /** One ticket; a body means nothing here, but a large one is refused. */
  #buy(desk: SaleDesk, request: Request): Response | Promise<Response> {
    const startedNs = Bun.nanoseconds();
    if (this.#soldOutForAll(desk, request)) {
      return this.#answer(desk.sale, soldOut, startedNs);
    }
    const length = request.headers.get("content-length");
    if (length !== null && Number(length) > bodyMaxBytes) {
      return this.#refuse(this.#options.answers.tooLarge());
    }
    return this.#purchase(desk, request, 1, startedNs);
  }

  #order(desk: SaleDesk, request: Request): Response | Promise<Response> {
    const startedNs = Bun.nanoseconds();
    if (this.#soldOutForAll(desk, request)) {
      return this.#answer(desk.sale, soldOut, startedNs);
    }
    const length = request.headers.get("content-length");
    const chunked = request.headers.get("transfer-encoding") !== null;
    if ((length === null || length === "0") && !chunked) {
      return this.#purchase(desk, request, 1, startedNs);
    }
    if (Number(length) > bodyMaxBytes) {
      return this.#refuse(this.#options.answers.tooLarge());
    }
    return this.#orderWithBody(desk, request, startedNs);
  }

  async #orderWithBody(desk: SaleDesk, request: Request, startedNs: number): Promise<Response> {
    const { answers } = this.#options;
    const text = await request.text();
    if (text.length > bodyMaxBytes) {
      return this.#refuse(answers.tooLarge());
    }
    let given: unknown = {};
    try {
      given = text === "" ? {} : JSON.parse(text);
    } catch {
      return this.#refuse(answers.bad('the body is not JSON; send {"quantity":1} or nothing'));
    }
    if (!orderBody.Check(given)) {
      const range = `a whole number from 1 to ${quantityMax}`;
      return this.#refuse(answers.bad(`the body must be {"quantity":N}, N ${range}`));
    }
    return this.#purchase(desk, request, given.quantity ?? 1, startedNs);
  }

  #purchase(
    desk: SaleDesk,
    request: Request,
    quantity: number,
    startedNs: number,
  ): Response | Promise<Response> {
    const { answers } = this.#options;
    const key = request.headers.get("idempotency-key");
    if (key !== null && !keyPattern.test(key)) {
      return this.#refuse(
        answers.bad("Idempotency-Key must be 1 to 128 printable ASCII characters"),
      );
    }
    const buyer = request.headers.get("x-buyer-id") ?? "";
    if (buyer !== "" && !keyPattern.test(buyer)) {
      return this.#refuse(answers.bad("X-Buyer-Id must be 1 to 128 printable ASCII characters"));
    }
    const purchase = { key, buyer, quantity };
    const outcome = desk.decide(purchase);
    if (outcome !== null) {
      return this.#answer(desk.sale, outcome, startedNs);
    }
    const asked = key === null ? { ...purchase, requestId: requestIdOf(request) } : purchase;
    // One promise a request, not two: on the sold path they are a tenth of the time.
    return new Promise((resolve) => {
      desk.ask(asked, (decided) => resolve(this.#answer(desk.sale, decided, startedNs)));
    });
  }

  #answer(sale: string, outcome: Outcome, startedNs: number): Response {
    this.#options.metrics.purchase(outcome.kind, Bun.nanoseconds() - startedNs);
    return this.#options.answers.ofPurchase(sale, outcome);
  }

  #refuse(answer: Response): Response {
    this.#options.metrics.fault("badRequest");
    return answer;
  }

  async #showSale(desk: SaleDesk): Promise<Response> {
    const { answers } = this.#options;
    if (desk.snapshot === null) {
      await desk.heartbeat();
    }
    if (desk.snapshot !== null) {
      return answers.ofSale(desk.snapshot);
    }
    return desk.view.kind === "missing" ? answers.unknownSale() : answers.busy();
  }

  async #fate(desk: SaleDesk, key: string): Promise<Response> {
    const { answers } = this.#options;
    if (!keyPattern.test(key)) {
      return this.#refuse(answers.bad("a request key is 1 to 128 printable ASCII characters"));
    }
    const fate = await desk.requestStatus(key);
    switch (fate.kind) {
      case "sold":
        return answers.ofOrder(desk.sale, fate.order);
      case "undecided":
        return answers.undecided(desk.sale, key);
      case "absent":
        return answers.notFound();
      case "busy":
        return answers.busy();
    }
  }
}

/** The id that Nginx gave the request (`$request_id`), or null. */
function requestIdOf(request: Request): string | null {
  const id = request.headers.get("x-request-id");
  return id !== null && /^[0-9a-f]{32}$/.test(id) ? id : null;
}
