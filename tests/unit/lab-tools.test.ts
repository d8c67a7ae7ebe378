import { expect, test } from "bun:test";

import { Buyer } from "../lab/tools/buyer.ts";
import { CrowdCounts } from "../lab/tools/crowd-counts.ts";
import { readAnswer } from "../lab/tools/http-answer.ts";
import { HttpConnection, NoAnswer, type Server } from "../lab/tools/http-connection.ts";
import { longestGap, medianStep } from "../lab/tools/longest-gap.ts";

/** The tools that count what a fault of the full topology costs: they must not hide a thing. */

const patience = { connectMs: 1_000, answerMs: 300 };
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A server that does with the bytes of each request what the test says; counts the requests. */
function serve(react: (socket: Bun.Socket, request: number) => void) {
  let requests = 0;
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (socket) => {
        requests += 1;
        react(socket, requests);
      },
    },
  });
  const server: Server = { host: "127.0.0.1", port: listener.port };
  return { server, requests: () => requests, [Symbol.dispose]: () => listener.stop(true) };
}

async function failureOf(connection: HttpConnection): Promise<NoAnswer> {
  try {
    await connection.request({ method: "POST", path: "/" });
  } catch (error) {
    if (error instanceof NoAnswer) {
      return error;
    }
    throw error;
  }
  throw new Error("it was answered");
}

test("a request on a kept connection that the server closes is lost, and not sent again", async () => {
  using host = serve((socket, request) => {
    if (request === 1) {
      socket.write(ok);
    } else {
      socket.end();
    }
  });
  const connection = new HttpConnection(host.server, patience);
  expect((await connection.request({ method: "POST", path: "/" })).status).toBe(200);
  const failure = await failureOf(connection);
  expect([failure.sent, connection.usable, host.requests()]).toEqual([true, false, 2]);
});

test("a request that is never answered is lost after its time, and was sent once", async () => {
  using host = serve(() => undefined);
  const failure = await failureOf(new HttpConnection(host.server, patience));
  expect([failure.message, failure.sent, host.requests()]).toEqual(["answer: time-out", true, 1]);
});

test("half an answer is no answer", async () => {
  using host = serve((socket) => {
    socket.write(ok.slice(0, -1));
    socket.end();
  });
  expect((await failureOf(new HttpConnection(host.server, patience))).sent).toBe(true);
});

test("where nobody listens nothing was sent", async () => {
  const { server, [Symbol.dispose]: close } = serve(() => undefined);
  close();
  const failure = await failureOf(new HttpConnection(server, patience));
  expect([failure.sent, failure.message]).toEqual([false, "connect: ECONNREFUSED"]);
});

test("a connection that is to be closed is used no more", async () => {
  using host = serve((socket) => {
    socket.write(ok.replace("\r\n", "\r\nConnection: close\r\n"));
  });
  const connection = new HttpConnection(host.server, patience);
  expect((await connection.request({ method: "GET", path: "/" })).body).toBe("ok");
  expect(connection.usable).toBe(false);
});

test("an answer in chunks is read when it is whole", () => {
  const text =
    "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  expect(readAnswer(Buffer.from(text))?.body).toBe("abcde");
  for (let length = 0; length < text.length; length += 1) {
    expect(readAnswer(Buffer.from(text.slice(0, length)))).toBeNull();
  }
});

test("more bytes than an answer has are a fault and not the next answer", () => {
  expect(() => readAnswer(Buffer.from(`${ok}x`))).toThrow("more bytes");
});

test("what got no answer is asked for by the same key and the same buyer", async () => {
  const seen: string[] = [];
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ method, url, headers }) => {
      const [key, buyer] = [headers.get("idempotency-key"), headers.get("x-buyer-id")];
      seen.push(`${method} ${new URL(url).pathname} ${key} ${buyer} ${headers.get("x-more")}`);
      const order = { code: 1, msg: "", data: { order: "rush.1.x" } };
      return method === "POST"
        ? Response.json({ code: -4, msg: "", data: null }, { status: 503 })
        : Response.json(order);
    },
  });
  const counts = new CrowdCounts();
  const buyer = new Buyer(
    {
      server: { host: "127.0.0.1", port: server.port ?? 0 },
      sale: "rush",
      patience,
      fresh: true,
      settleMs: 5_000,
      name: "ann",
      headers: { "X-More": "1" },
    },
    counts,
  );
  expect(await buyer.buy("key-1")).toBe("other");
  buyer.close();
  expect(seen).toEqual([
    "POST /sales/rush/orders key-1 ann 1",
    "GET /sales/rush/requests/key-1 null ann 1",
  ]);
  expect(counts.summarize(0, 1).decided.sold).toBe(1);
});

test("the longest gap counts what never came back, and what never began", () => {
  expect(longestGap(0, [10, 20, 500, 510], 520)).toEqual({ gapMs: 480, fromMs: 20, toMs: 500 });
  expect(longestGap(0, [10, 20], 900)).toEqual({ gapMs: 880, fromMs: 20, toMs: 900 });
  expect(longestGap(0, [], 900)).toEqual({ gapMs: 900, fromMs: 0, toMs: 900 });
  expect(medianStep([0, 10, 20, 300])).toBe(10);
});
