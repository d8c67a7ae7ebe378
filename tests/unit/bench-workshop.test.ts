import { afterEach, expect, test } from "bun:test";

import { Workshop } from "../../bench/workshop.ts";

const firstPort = 29_400;
const portsMax = 100;
let workshop: Workshop | null = null;

afterEach(async () => {
  await workshop?.close();
});

function listen(port: number) {
  return Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } });
}

test("many rounds find ports, since those of programs that have ended come round again", async () => {
  workshop = await Workshop.open(firstPort);
  const stays = workshop.port();
  const listener = listen(stays);
  const given = Array.from({ length: 3 * portsMax }, () => workshop?.port() ?? 0);
  listener.stop(true);
  expect(given).not.toContain(stays);
  expect(Math.min(...given)).toBeGreaterThanOrEqual(firstPort);
  expect(Math.max(...given)).toBeLessThan(firstPort + portsMax);
});

test("ports in a row never go from the last of the hundred on to the first", async () => {
  workshop = await Workshop.open(firstPort);
  for (let taken = 0; taken < portsMax - 2; taken += 1) {
    workshop.port();
  }
  expect(workshop.port(4)).toBeLessThanOrEqual(firstPort + portsMax - 4);
});

test("without a free port it says so, instead of looking for ever", async () => {
  workshop = await Workshop.open(firstPort);
  expect(() => workshop?.port(portsMax + 1)).toThrow("give others with --port");
});
