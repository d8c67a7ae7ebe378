import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { AnswerReader } from "../../bench/answer-reader.ts";
import { KeyedRequests } from "../../bench/keyed-requests.ts";

const generator = join(import.meta.dir, "..", "..", "bench", "keyed-load-process.ts");

function answer(status: number, body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status} X\r\nX-Node: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function valueOf(request: string, header: string): string | undefined {
  return new RegExp(`^${header}: (.*)\\r$`, "m").exec(request)?.[1];
}

describe("the load generator whose every request has a key of its own", () => {
  test("as many requests as asked for arrive, all but the replays with another key and buyer", async () => {
    const keys: string[] = [];
    const buyers: string[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        keys.push(`${request.method} ${request.headers.get("idempotency-key") ?? ""}`);
        buyers.push(request.headers.get("x-buyer-id") ?? "");
        return new Response("x".repeat(keys.length % 20), {
          status: keys.length % 2 === 0 ? 410 : 201,
        });
      },
    });
    const url = `http://127.0.0.1:${server.port}/buy/ticket`;
    const child = Bun.spawn([process.execPath, generator, url, "500", "7", "key,buyer", "100"]);
    const report: unknown = JSON.parse(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    await server.stop(true);
    expect(report).toMatchObject({ requests: 500, statuses: { 201: 250, 410: 250 } });
    expect(new Set(keys).size).toBe(495);
    expect(new Set(buyers).size).toBe(495);
    // Who asks again with a key is who asked with it before.
    expect(new Set(keys.map((key, index) => `${key} ${buyers[index]}`)).size).toBe(495);
    expect(keys.every((key) => /^POST [0-9a-f]{32}$/.test(key))).toBe(true);
    expect(buyers.every((buyer) => /^[0-9a-f]{16}$/.test(buyer))).toBe(true);
  });

  test("it fails, rather than counting too few, when the server goes away", async () => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    const url = `http://127.0.0.1:${server.port}/buy/ticket`;
    const child = Bun.spawn([process.execPath, generator, url, "5", "1", "key", "0"], {
      stderr: "pipe",
    });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toContain("closed before its answer came");
    server.stop(true);
  });
});

describe("what a request of a load is made of", () => {
  const url = new URL("http://127.0.0.1:1/buy/ticket");
  const form = { url, key: true, buyer: true, replays: { every: 0, distance: 1 } };

  test("without key and buyer it has neither header, however many are sent", () => {
    const requests = new KeyedRequests({ ...form, key: false, buyer: false });
    const texts = [requests.next().toString(), requests.next().toString()];
    expect(texts[0]).toBe(
      "POST /buy/ticket HTTP/1.1\r\naccept: */*\r\nuser-agent: sluice-bench\r\n" +
        "host: 127.0.0.1:1\r\n\r\n",
    );
    expect(texts[1]).toBe(texts[0]);
  });

  test("key and buyer end with the number of the purchase, and two loads share neither", () => {
    const [one, other] = [new KeyedRequests(form), new KeyedRequests(form)];
    for (let made = 0; made < 17; made += 1) {
      one.next();
    }
    const text = one.next().toString();
    expect(valueOf(text, "idempotency-key")).toEndWith("00000011");
    expect(valueOf(text, "x-buyer-id")).toEndWith("00000011");
    const strange = other.next().toString();
    for (const header of ["idempotency-key", "x-buyer-id"]) {
      expect(valueOf(strange, header)?.slice(0, 8)).not.toBe(valueOf(text, header)?.slice(0, 8));
    }
  });
});

describe("reading answers from a connection", () => {
  test("an answer in pieces is one answer, at whichever byte it is cut", () => {
    const whole = answer(410, "sold out");
    for (let cut = 1; cut < whole.length; cut += 1) {
      const reader = new AnswerReader();
      expect(reader.take(whole.subarray(0, cut))).toBeNull();
      expect(reader.take(whole.subarray(cut))).toBe(410);
    }
  });

  test("answers of the same length but another status or body are told apart", () => {
    const reader = new AnswerReader();
    expect(reader.take(answer(410, "sold out"))).toBe(410);
    expect(reader.take(answer(201, "here you"))).toBe(201);
    expect(reader.take(answer(201, "are, one more"))).toBe(201);
  });

  test("a piece as long as the last answer is not taken for a whole one", () => {
    const reader = new AnswerReader();
    const short = answer(410, "no");
    expect(reader.take(short)).toBe(410);
    const long = answer(201, "y".repeat(80));
    expect(reader.take(long.subarray(0, short.length))).toBeNull();
    expect(reader.take(long.subarray(short.length))).toBe(201);
  });

  test("what cannot be counted is refused: no length, or more bytes than were announced", () => {
    const none = Buffer.from("HTTP/1.1 200 OK\r\nX-Node: a\r\n\r\n");
    expect(() => new AnswerReader().take(none)).toThrow("without Content-Length");
    const twice = Buffer.concat([answer(201, "a"), answer(201, "b")]);
    expect(() => new AnswerReader().take(twice)).toThrow("more bytes came");
  });
});
