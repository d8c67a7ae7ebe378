import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { saleKeys } from "../../src/ledger/keys.ts";
import { readEntry } from "../../src/ledger/outbox/entry.ts";
import { signPayment } from "../../src/node/http/signature.ts";
import { parseOrderId } from "../../src/sale/order.ts";
import { removeRigs, Rig, sale } from "../faults/support/rig.ts";
import { until } from "../support/until.ts";
import { OrderScripts } from "./support/order-scripts.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

const secret = "a-secret-of-the-payment-system";
const body = '{"payment":"p-1"}';

interface Answer {
  readonly status: number;
  readonly code: number;
  readonly data: {
    readonly order?: string;
    readonly state?: string;
    readonly cause?: string;
  } | null;
  readonly text: string;
  readonly headers: Headers;
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { keepalive: false, ...init });
  const text = await response.text();
  const parsed = JSON.parse(text) as Pick<Answer, "code" | "data">;
  return { ...parsed, status: response.status, text, headers: response.headers };
}

function start(tickets: number, more: { limit?: number; proxies?: boolean; nodes?: number } = {}) {
  return Rig.start({ tickets, node: { PAYMENT_SECRET: secret }, ...more });
}

async function buyOrder(rig: Rig, headers: Record<string, string> = {}): Promise<string> {
  const { url } = rig.node(1);
  const answer = await ask(`${url}/sales/${sale}/orders`, { method: "POST", headers });
  expect(answer.status).toBe(201);
  return answer.data?.order ?? "";
}

function signed(secondsAgo = 0): Record<string, string> {
  const now = Math.floor(Date.now() / 1_000) - secondsAgo;
  return { "X-Sluice-Signature": signPayment(secret, body, now) };
}

function pay(rig: Rig, order: string, headers: Record<string, string> = signed()): Promise<Answer> {
  return ask(`${rig.node(1).url}/orders/${order}/payment`, { method: "POST", body, headers });
}

function cancel(rig: Rig, order: string): Promise<Answer> {
  return ask(`${rig.node(1).url}/orders/${order}`, { method: "DELETE" });
}

test("an order is paid once, and paying again gives the same answer", async () => {
  const rig = await start(5);
  const order = await buyOrder(rig);
  const shown = await ask(`${rig.node(1).url}/orders/${order}`);
  expect(shown).toMatchObject({ status: 200, data: { order, state: "held" } });
  const first = await pay(rig, order);
  expect(first).toMatchObject({
    status: 200,
    code: 1,
    data: { order, state: "paid", cause: "paid" },
  });
  const second = await pay(rig, order);
  expect(second.text).toBe(first.text);
  expect(await rig.operations.read(sale)).toMatchObject({ held: 0, paid: 1, left: 4 });
});

test("a payment without a fresh signature of its body changes nothing", async () => {
  const rig = await start(5);
  const order = await buyOrder(rig);
  const forged = { "X-Sluice-Signature": signPayment("another-secret-of-someone", body, 1) };
  for (const headers of [{}, forged, signed(301), signed(-301), { "X-Sluice-Signature": "t=1" }]) {
    expect(await pay(rig, order, headers)).toMatchObject({ status: 401, code: -9, data: null });
  }
  expect(await rig.operations.read(sale)).toMatchObject({ held: 1, paid: 0 });
});

test("an order that is not known is 404, whoever asks and however", async () => {
  const rig = await start(5);
  const order = await buyOrder(rig);
  const token = parseOrderId(order)?.token ?? "";
  const guess = "0123456789abcdef012345";
  const guessed = order.replace(token, guess);
  // The token is right, the serial is not: as of an order of the same request in a sale before.
  const other = `rush.7.${token}`;
  const strange = [guessed, other, `rush.99.${guess}`, `nosale.1.${token}`, `rush.0.${token}`, "x"];
  for (const id of strange) {
    expect(await pay(rig, id)).toMatchObject({ status: 404, code: -5 });
    expect(await cancel(rig, id)).toMatchObject({ status: 404, code: -5 });
    expect(await ask(`${rig.node(1).url}/orders/${id}`)).toMatchObject({ status: 404, code: -5 });
  }
  expect(await rig.operations.read(sale)).toMatchObject({ held: 1, paid: 0, left: 4 });
  const put = await ask(`${rig.node(1).url}/orders/${order}`, { method: "PUT" });
  expect(put).toMatchObject({ status: 405 });
  expect(put.headers.get("Allow")).toBe("GET, HEAD, DELETE");
});

test("a cancelled hold is sold again, also after sold out and on every node", async () => {
  const rig = await start(3, { nodes: 2 });
  const order = await buyOrder(rig);
  await rig.sellTheRest();
  expect(await cancel(rig, order)).toMatchObject({ status: 200, data: { state: "released" } });
  const again = await cancel(rig, order);
  expect(again).toMatchObject({ status: 200, data: { state: "released", cause: "cancelled" } });
  await until("the other node sells the ticket that came back", async () => {
    const { url } = rig.node(2);
    const { status } = await ask(`${url}/sales/${sale}/orders`, { method: "POST" });
    return status === 201;
  });
  expect(await rig.operations.read(sale)).toMatchObject({ held: 3, left: 0 });
});

test("paid too late: revived while stock is left, else the payment system hears of a refund", async () => {
  const rig = await start(2);
  const scripts = new OrderScripts(rig.redis.client, sale);
  const lapsed = async (): Promise<string> => {
    await scripts.setHoldMs(0);
    const order = await buyOrder(rig);
    expect(await scripts.lapse()).toMatchObject({ released: 1 });
    await scripts.setHoldMs(600_000);
    return order;
  };
  const revived = await lapsed();
  expect(await pay(rig, revived)).toMatchObject({ status: 200, data: { cause: "revived" } });
  const late = await lapsed();
  await until("the node has noticed, and sells the ticket that came back", async () => {
    const { url } = rig.node(1);
    return (await ask(`${url}/sales/${sale}/orders`, { method: "POST" })).status === 201;
  });
  expect(await pay(rig, late)).toMatchObject({ status: 409, code: -7 });
  expect(await rig.operations.read(sale)).toMatchObject({ held: 1, paid: 1, left: 0 });
});

test("paid after it was cancelled: refund, though tickets are left", async () => {
  const rig = await start(2);
  const order = await buyOrder(rig);
  await cancel(rig, order);
  expect(await pay(rig, order)).toMatchObject({ status: 409, code: -7 });
  expect(await rig.operations.read(sale)).toMatchObject({ held: 0, paid: 0, left: 2 });
});

test("a paid order cannot be cancelled", async () => {
  const rig = await start(2);
  const order = await buyOrder(rig);
  await pay(rig, order);
  expect(await cancel(rig, order)).toMatchObject({ status: 409, code: -8 });
  expect(await rig.operations.read(sale)).toMatchObject({ held: 0, paid: 1 });
});

test("cancelling gives the buyer's count back, once", async () => {
  const rig = await start(5, { limit: 1 });
  const anna = { "X-Buyer-Id": "anna" };
  const order = await buyOrder(rig, anna);
  const refused = await ask(`${rig.node(1).url}/sales/${sale}/orders`, {
    method: "POST",
    headers: anna,
  });
  expect(refused).toMatchObject({ status: 409, code: -3, data: { limit: 1 } });
  await cancel(rig, order);
  await cancel(rig, order);
  await buyOrder(rig, anna);
  const count = await rig.redis.client.hget(saleKeys(sale).buyers, "anna");
  expect(count).toBe("1");
});

test("a request key still names its order after the order was released, to its buyer only", async () => {
  const rig = await start(5);
  const headers = { "Idempotency-Key": "k1", "X-Buyer-Id": "anna" };
  const order = await buyOrder(rig, headers);
  await cancel(rig, order);
  const url = `${rig.node(1).url}/sales/${sale}/requests/k1`;
  const requestStatus = await ask(url, { headers: { "X-Buyer-Id": "anna" } });
  expect(requestStatus).toMatchObject({ status: 200, code: 1, data: { order } });
  for (const others of [{}, { "X-Buyer-Id": "bob" }]) {
    expect((await ask(url, { headers: others })).text).not.toContain(order);
  }
});

test("a payment whose reply is lost is answered with the truth", async () => {
  const rig = await start(5, { proxies: true });
  const order = await buyOrder(rig);
  for (const client of await rig.redis.client.client("LIST").then(nodeClients)) {
    await rig.redis.client.client("KILL", "ID", client);
  }
  const answer = await until("the payment is decided", async () => {
    const paid = await pay(rig, order);
    return paid.status === 200 ? paid : null;
  });
  expect(answer).toMatchObject({ data: { state: "paid" } });
  expect(await rig.operations.read(sale)).toMatchObject({ held: 0, paid: 1 });
});

/** Ids of the connections that nodes have to Redis. */
function nodeClients(list: unknown): string[] {
  const lines = String(list).split("\n");
  return lines
    .filter((line) => line.includes("name=sluice-node"))
    .map((line) => /\bid=(\d+)/.exec(line)?.[1] ?? "");
}

test("payments of a crowd at once are each counted once", async () => {
  const rig = await start(60);
  const orders: string[] = [];
  await rig.crowd(60, async () => orders.push(await buyOrder(rig)));
  await rig.crowd(180, async (number) => {
    expect(await pay(rig, orders[number % 60] ?? "")).toMatchObject({ status: 200 });
  });
  expect(await rig.operations.read(sale)).toMatchObject({ held: 0, paid: 60, left: 0 });
  const paid: string[] = [];
  for (const [id, fields] of await rig.redis.client.xrange(saleKeys(sale).events, "-", "+")) {
    const reading = readEntry({ sale, id, fields });
    for (const record of reading.kind === "orders" ? reading.records : []) {
      paid.push(...(record?.state === "paid" ? [record.token] : []));
    }
  }
  expect(paid).toHaveLength(60);
  expect(new Set(paid).size).toBe(60);
});
