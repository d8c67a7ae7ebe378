import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { AnswerReader } from "../../bench/answer-reader.ts";

const generator = join(import.meta.dir, "..", "..", "bench", "keyed-load-process.ts");

function answer(status: number, body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status} X\r\nX-Node: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

describe("the load generator whose every request has a key of its own", () => {
  test("as many requests as asked for arrive, each with another key, and statuses are counted", async () => {
    const keys: string[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        keys.push(`${request.method} ${request.headers.get("idempotency-key") ?? ""}`);
        return new Response("x".repeat(keys.length % 20), {
          status: keys.length % 2 === 0 ? 410 : 201,
        });
      },
    });
    const url = `http://127.0.0.1:${server.port}/buy/ticket`;
    const child = Bun.spawn([process.execPath, generator, url, "500", "7"]);
    const report: unknown = JSON.parse(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    await server.stop(true);
    expect(report).toMatchObject({ requests: 500, statuses: { 201: 250, 410: 250 } });
    expect(new Set(keys).size).toBe(500);
    expect(keys.every((key) => /^POST [0-9a-f]{32}$/.test(key))).toBe(true);
  });

  test("it fails, rather than counting too few, when the server goes away", async () => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    const url = `http://127.0.0.1:${server.port}/buy/ticket`;
    const child = Bun.spawn([process.execPath, generator, url, "5", "1"], { stderr: "pipe" });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toContain("closed before its answer came");
    server.stop(true);
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
