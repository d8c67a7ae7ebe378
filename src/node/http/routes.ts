import { saleIdPattern } from "../../sale/sale.ts";
import type { NodeMetrics } from "../metrics.ts";
import type { SaleDesk } from "../selling/sale-desk.ts";
import type { SaleDesks } from "../selling/sale-desks.ts";
import type { Answers } from "./answers.ts";
import { OrderHandlers } from "./order-handlers.ts";
import { PurchaseHandlers } from "./purchase-handlers.ts";
import { SaleHandlers } from "./sale-handlers.ts";

export interface RoutesOptions {
  readonly answers: Answers;
  readonly desks: SaleDesks;
  readonly metrics: NodeMetrics;
  /** Null: no payment is accepted. */
  readonly paymentSecret: string | null;
  /** Null if the node is able to sell, else why not. */
  readonly unready: () => string | null;
}

type Answer = Response | Promise<Response>;
type Handler = (request: Bun.BunRequest) => Answer;
type Method = "GET" | "HEAD" | "POST" | "DELETE";

/**
 * Handlers by address and method, as `Bun.serve` takes them. An address's `:names` are parameters.
 */
export type RouteTable = Readonly<Record<string, Readonly<Partial<Record<Method, Handler>>>>>;

/** Everything that a node is asked for, and the one place where that is said. */
export function createRoutes(options: RoutesOptions): RouteTable {
  const { answers, desks, metrics, unready } = options;
  const purchases = new PurchaseHandlers(answers, metrics);
  const sales = new SaleHandlers(answers, metrics);
  const orders = new OrderHandlers(options);
  const ofSale =
    (handle: (desk: SaleDesk, request: Bun.BunRequest) => Answer): Handler =>
    (request) => {
      const sale = parameter(request, "sale");
      if (!saleIdPattern.test(sale)) {
        return answers.unknownSale();
      }
      const desk = desks.open(sale);
      return desk === null ? answers.busy() : handle(desk, request);
    };
  return {
    "/buy/ticket": { POST: (request) => purchases.buyOne(desks.default, request) },
    "/sales/:sale/orders": { POST: ofSale((desk, request) => purchases.buy(desk, request)) },
    "/sales/:sale": reading(ofSale((desk) => sales.show(desk))),
    "/sales/:sale/requests/:key": reading(
      ofSale((desk, request) => sales.requestStatus(desk, parameter(request, "key"), request)),
    ),
    "/orders/:order": {
      ...reading((request) => orders.show(parameter(request, "order"))),
      DELETE: (request) => orders.cancel(parameter(request, "order")),
    },
    "/orders/:order/payment": {
      POST: (request) => orders.pay(parameter(request, "order"), request),
    },
    "/healthz": reading(() => answers.health(true, "alive")),
    "/readyz": reading(() => answers.health(unready() === null, unready() ?? "ready")),
    "/metrics": reading(() => metrics.render()),
  };
}

function reading(handler: Handler): { readonly GET: Handler; readonly HEAD: Handler } {
  return { GET: handler, HEAD: handler };
}

function parameter(request: Bun.BunRequest, name: "sale" | "key" | "order"): string {
  return (request.params as Readonly<Record<string, string>>)[name] ?? "";
}

/** Answers what no route took: a wrong method on an address of the table, or no address of it. */
export function answerUnrouted(
  table: RouteTable,
  answers: Answers,
): (request: Request) => Response {
  const addresses = Object.entries(table).map(([path, handlers]) => ({
    pattern: new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`),
    allow: Object.keys(handlers).join(", "),
  }));
  return (request) => {
    const { pathname } = new URL(request.url);
    const address = addresses.find(({ pattern }) => pattern.test(pathname));
    return address === undefined ? answers.notFound() : answers.methodNotAllowed(address.allow);
  };
}
