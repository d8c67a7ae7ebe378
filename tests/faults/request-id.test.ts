import { afterEach, expect, setDefaultTimeout, test } from "bun:test";

import { askRequestStatus } from "./support/client.ts";
import { removeRigs, Rig, sale } from "./support/rig.ts";

setDefaultTimeout(60_000);
afterEach(removeRigs);

async function buyWithId(rig: Rig, requestId: string): Promise<string | undefined> {
  const response = await fetch(`${rig.node(1).url}/sales/${sale}/orders`, {
    method: "POST",
    headers: { "X-Request-Id": requestId },
    keepalive: false,
  });
  const answer = (await response.json()) as { data: { order: string } | null };
  return answer.data?.order;
}

test("a request without a key can be asked for by the id that Nginx gave it", async () => {
  const rig = await Rig.start({ tickets: 5 });
  const id = "0123456789abcdef0123456789abcdef";
  const order = await buyWithId(rig, id);
  expect(order).toBeString();
  expect(await askRequestStatus(rig.node(1).url, sale, id)).toMatchObject({ order });
  expect(await buyWithId(rig, id)).toBe(order as string);
});

test("an id that Nginx cannot have made is no key", async () => {
  const rig = await Rig.start({ tickets: 5 });
  const first = await buyWithId(rig, "1");
  expect(await buyWithId(rig, "1")).not.toBe(first as string);
  expect(await rig.operations.read(sale)).toMatchObject({ held: 2 });
});
