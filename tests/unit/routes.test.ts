import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../dev/host/checkout.ts";
import { Answers } from "../../src/node/http/answers.ts";
import { messages } from "../../src/node/http/messages.ts";
import { createRoutes, type RoutesOptions } from "../../src/node/http/routes.ts";
import { TicketServer } from "../../src/node/http/server.ts";
import { NodeMetrics } from "../../src/node/metrics.ts";
import { SaleDesks } from "../../src/node/selling/sale-desks.ts";
import { ScriptedLedger } from "./support/scripted-ledger.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * An address of each route, and what its methods are answered: the one list that is not derived.
 */
const expected: Readonly<Record<string, { readonly url: string; readonly by: string }>> = {
  "/buy/ticket": { url: "/buy/ticket", by: "POST 201" },
  "/sales/:sale/orders": { url: "/sales/rush/orders", by: "POST 201" },
  "/sales/:sale": { url: "/sales/rush", by: "GET 200, HEAD 200" },
  "/sales/:sale/requests/:key": { url: "/sales/rush/requests/mine", by: "GET 200, HEAD 200" },
  // No order has this id, which is found out before the ledger is asked; nor is anything signed.
  "/orders/:order": { url: "/orders/none", by: "GET 404, HEAD 404, DELETE 404" },
  "/orders/:order/payment": { url: "/orders/none/payment", by: "POST 401" },
  "/healthz": { url: "/healthz", by: "GET 200, HEAD 200" },
  "/readyz": { url: "/readyz", by: "GET 200, HEAD 200" },
  "/metrics": { url: "/metrics", by: "GET 200, HEAD 200" },
};

function createOptions(): RoutesOptions {
  const ledger = new ScriptedLedger(1_000);
  for (const kind of ["hold", "heartbeat", "read", "lookup", "soldOrders"] as const) {
    ledger.automatic.add(kind);
  }
  ledger.sellElsewhere("mine");
  let batches = 0;
  const desks = new SaleDesks({
    ledger,
    defaultSale: "rush",
    heartbeatMs: 200,
    desksMax: 4,
    idleMs: 60_000,
    weight: 1,
    buffer: 100,
    batchMax: 10,
    queueMax: 10,
    deadlineMs: 2_000,
    soldOrdersMax: 100,
    nowMs: () => performance.now(),
    makeKey: () => crypto.randomUUID(),
    makeRef: () => `node.${(batches += 1)}`,
    onBatch: () => undefined,
    onFault: () => undefined,
    onHeartbeatFault: () => undefined,
  });
  return {
    answers: new Answers("node1", "en"),
    desks,
    metrics: new NodeMetrics(
      "node1",
      () => desks,
      () => true,
    ),
    paymentSecret: "a secret of the payment system",
    unready: () => null,
  };
}

const options = createOptions();
const table = createRoutes(options);
const server = new TicketServer({
  ...options,
  host: "127.0.0.1",
  port: 0,
  idleSeconds: 10,
  onInternalError: (error) => {
    throw error;
  },
});
let origin = "";
beforeAll(() => {
  origin = `http://127.0.0.1:${server.start()}`;
});
afterAll(() => server.stop(1_000));

function ask(method: string, path: string, headers: Record<string, string> = {}) {
  return fetch(`${origin}${path}`, { method, headers });
}

test("the README has the addresses and methods of the table, and no others", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const [, rows = ""] = /\n\| call +\| answer +\|\n\|[-| ]+\|\n((?:\|.*\n)+)/.exec(readme) ?? [];
  const documented = rows.split("\n").flatMap((row) => {
    const [, call = ""] = row.split("|");
    const method = /`([A-Z]+) /.exec(call)?.[1] ?? "";
    return [...call.matchAll(/`(?:[A-Z]+ )?(\/[^`]*)`/g)].map(
      ([, path = ""]) => `${method} ${path.replace(/\{(\w+)\}/g, ":$1")}`,
    );
  });
  // Whatever can be read can be asked for without its body.
  const registered = Object.entries(table).flatMap(([path, handlers]) =>
    Object.keys(handlers)
      .filter((method) => method !== "HEAD")
      .map((method) => `${method} ${path}`),
  );
  expect(documented.sort()).toEqual(registered.sort());
});

test("this test knows an address of every route", () => {
  expect(Object.keys(expected)).toEqual(Object.keys(table));
});

for (const [path, { url, by }] of Object.entries(expected)) {
  const answered = new Map(by.split(", ").map((one) => one.split(" ") as [string, string]));
  const allow = [...answered.keys()].join(", ");

  describe(`${path} takes ${allow}`, () => {
    for (const method of methods) {
      const status = Number(answered.get(method) ?? 405);
      test(`${method} is ${status}`, async () => {
        const answer = await ask(method, url);
        expect(answer.status).toBe(status);
        expect(answer.headers.get("Allow")).toBe(answered.has(method) ? null : allow);
        const text = await answer.text();
        if (status === 405 && method !== "HEAD") {
          const msg = messages.en.methodNotAllowed;
          expect(JSON.parse(text)).toEqual({ code: -5, msg, data: null });
        }
      });
    }
  });
}

test("what is not in the table is 404 by every method", async () => {
  const strange = ["/", "/buy", "/buy/ticket/", "/sales", "/sales/", "/sales/rush/none", "/orders"];
  for (const path of [...strange, "/orders/a/b", "/healthz/x", "/x/healthz"]) {
    for (const method of methods) {
      const answer = await ask(method, path);
      expect([path, method, answer.status]).toEqual([path, method, 404]);
      expect(answer.headers.get("Allow")).toBe(null);
    }
  }
});

async function orderIn(answer: Response): Promise<string | undefined> {
  return ((await answer.json()) as { data: { order?: string } | null }).data?.order;
}

describe("a purchase is looked up by its key and its buyer", () => {
  const key = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
  const buyer = "ann";
  const path = `/sales/rush/requests/${key}`;

  test("200 with the same X-Buyer-Id, 404 with another one or none", async () => {
    const headers = { "Idempotency-Key": key, "X-Buyer-Id": buyer };
    const sold = await ask("POST", "/sales/rush/orders", headers);
    expect(sold.status).toBe(201);
    const found = await ask("GET", path, { "X-Buyer-Id": buyer });
    expect(found.status).toBe(200);
    expect(await orderIn(found)).toBe((await orderIn(sold)) as string);
    expect((await ask("GET", path, { "X-Buyer-Id": "bob" })).status).toBe(404);
    expect((await ask("GET", path)).status).toBe(404);
  });

  test("400 for a buyer that is none, as for a purchase", async () => {
    const headers = { "X-Buyer-Id": "b".repeat(129) };
    const answer = await ask("GET", path, headers);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("X-Buyer-Id is 1 to 128 printable ASCII characters");
    expect((await ask("POST", "/buy/ticket", headers)).status).toBe(400);
  });
});
