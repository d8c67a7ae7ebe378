import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { askRequestStatus } from "./support/client.ts";
import { removeRigs, Rig, sale } from "./support/rig.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

async function buyWithId(rig: Rig, requestId: string, buyer = ""): Promise<string | undefined> {
  const response = await fetch(`${rig.node(1).url}/sales/${sale}/orders`, {
    method: "POST",
    headers: { "X-Request-Id": requestId, ...(buyer === "" ? {} : { "X-Buyer-Id": buyer }) },
    keepalive: false,
  });
  const answer = (await response.json()) as { data: { order: string } | null };
  return answer.data?.order;
}

test("a request without a key can be asked for by the id that Nginx gave it", async () => {
  const rig = await Rig.start({ tickets: 5 });
  const { url } = rig.node(1);
  const key = "0123456789abcdef0123456789abcdef";
  const order = await buyWithId(rig, key);
  expect(order).toBeString();
  expect(await askRequestStatus(url, sale, { buyer: "", key })).toMatchObject({ order });
  expect(await buyWithId(rig, key)).toBe(order as string);
});

test("only its own buyer finds it, and the id sent for another buyer is another request", async () => {
  const rig = await Rig.start({ tickets: 5 });
  const { url } = rig.node(1);
  const key = "0123456789abcdef0123456789abcdef";
  const order = await buyWithId(rig, key, "ann");
  expect(await askRequestStatus(url, sale, { buyer: "ann", key })).toMatchObject({ order });
  expect(await askRequestStatus(url, sale, { buyer: "bob", key })).toEqual({ order: null });
  expect(await askRequestStatus(url, sale, { buyer: "", key })).toEqual({ order: null });
  expect(await buyWithId(rig, key, "bob")).not.toBe(order as string);
});

test("the same id many times at once is one request, and costs nobody else an answer", async () => {
  const rig = await Rig.start({ tickets: 50 });
  const key = "0123456789abcdef0123456789abcdef";
  const same = Array.from({ length: 20 }, () => buyWithId(rig, key));
  const others = Array.from({ length: 20 }, () => rig.buy(rig.node(1)));
  expect(new Set(await Promise.all(same)).size).toBe(1);
  const outcomes = await Promise.all(others);
  expect(outcomes.filter(({ kind }) => kind === "ok")).toHaveLength(20);
  expect(await rig.operations.read(sale)).toMatchObject({ held: 21 });
});

test("an id that Nginx cannot have made is no key", async () => {
  const rig = await Rig.start({ tickets: 5 });
  const first = await buyWithId(rig, "1");
  expect(await buyWithId(rig, "1")).not.toBe(first as string);
  expect(await rig.operations.read(sale)).toMatchObject({ held: 2 });
});
