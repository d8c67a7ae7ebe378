import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";

import { percentile, summarizeCrowd } from "../../dev/load/crowd.ts";
import type { LoadFiles, LoadOptions } from "../../dev/load/generator.ts";
import { h2load } from "../../dev/load/h2load.ts";
import { readLoadOptions } from "../../dev/load/load-options.ts";
import { countsBetween, parseNodeCount } from "../../dev/load/node-counts.ts";
import { oha } from "../../dev/load/oha.ts";
import { answerKind, noOutcomes } from "../../dev/load/outcomes.ts";
import { sendCrowd } from "../../dev/load/send-crowd.ts";
import { readTarget } from "../../dev/load/target.ts";
import { until } from "../support/until.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-load-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const typed = { url: "http://h:80", connections: "200", timeout: "5", quantity: "1", with: "oha" };
const usual: LoadOptions = {
  url: "http://127.0.0.1:1/buy/ticket",
  body: null,
  extent: { requests: 10 },
  connections: 2,
  ratePerSecond: null,
  timeoutSeconds: 5,
  generator: "oha",
};
const files: LoadFiles = { body: "b", rows: "d", summary: "s" };

describe("where a crowd is sent", () => {
  test.each([
    ["http://h:8080", null, 1, "http://h:8080/buy/ticket", null],
    ["http://h:8080/", "rush", 1, "http://h:8080/sales/rush/orders", "rush"],
    ["https://h/sales/rush/orders", null, 3, "https://h/sales/rush/orders", "rush"],
    ["http://h/elsewhere?a=1", null, 1, "http://h/elsewhere?a=1", null],
  ])("%s with sale %p, %p tickets", (text, sale, quantity, url, named) => {
    const body = quantity === 1 ? null : `{"quantity":${quantity}}`;
    expect(readTarget(text, sale, quantity)).toMatchObject({ url, sale: named, body });
  });

  test.each([
    ["localhost", null, 1, "is no address"],
    ["ftp://h", null, 1, "is no address"],
    ["http://h", "NO SALE", 1, "is no sale id"],
    ["http://h/buy/ticket", "rush", 1, "has a path of its own"],
    ["http://h", null, 2, "--quantity needs --sale"],
  ])("refuses %s with sale %p, %p tickets", (text, sale, quantity, reason) => {
    expect(() => readTarget(text, sale, quantity)).toThrow(reason);
  });
});

describe("how a crowd is sent", () => {
  test.each([
    [{ requests: "0" }, "--requests is a whole number from 1 to 10000000"],
    [{ requests: "10000001" }, "--requests"],
    [{ requests: "1e3" }, "--requests"],
    [{ requests: "5", duration: "5" }, "not both"],
    [{ duration: "301" }, "--duration is a whole number from 1 to 300"],
    [{ duration: "1001", rate: "10000" }, "from 1 to 1000"],
    [{ rate: "0" }, "--rate"],
    [{ connections: "10001" }, "--connections"],
    [{ timeout: "0" }, "--timeout"],
    [{ quantity: "101", sale: "rush" }, "--quantity"],
    [{ with: "ab" }, "--with is one of oha, h2load"],
  ])("refuses %p", (flags, reason) => {
    expect(() => readLoadOptions({ ...typed, ...flags })).toThrow(reason);
  });

  test("a given rate allows a longer time, as it bounds what is kept in memory", () => {
    const { options } = readLoadOptions({ ...typed, duration: "1000", rate: "10000" });
    expect(options.extent).toEqual({ durationSeconds: 1_000 });
  });

  test("every crowd has a time-out, and what is under way at the end is waited for", () => {
    const forRequests = oha.listArguments(usual, files).join(" ");
    expect(forRequests).toContain("-m POST");
    expect(forRequests).toContain("-t 5s");
    expect(forRequests).toContain("-n 10");
    expect(forRequests).not.toContain("-q");
    const paced = { ...usual, extent: { durationSeconds: 7 }, ratePerSecond: 90, body: "{}" };
    const forTime = oha.listArguments(paced, files).join(" ");
    expect(forTime).toContain("-t 5s -z 7s -w -q 90 --latency-correction");
    expect(forTime).toContain("-T application/json -D b");
  });

  test("says what oha said when it could not send the crowd", async () => {
    const fake = fakeGenerator('echo "DNS error: no such host" >&2; exit 1');
    const failure = sendCrowd(usual, new AbortController().signal, fake).then(String, String);
    expect(await failure).toContain("oha could not send the crowd (exit 1): DNS error: no such");
  });

  test("ends oha when the crowd is called off", async () => {
    const started = join(folder, "started");
    const abort = new AbortController();
    const fake = fakeGenerator(`echo $$ >'${started}'; exec sleep 60`);
    const failure = sendCrowd(usual, abort.signal, fake).then(String, String);
    const pid = await until("oha has started", async () => {
      const text = await Bun.file(started)
        .text()
        .catch(() => "");
      return text.endsWith("\n") ? Number(text) : null;
    });
    abort.abort();
    expect(await failure).toContain("the crowd was called off");
    expect(() => process.kill(pid, 0)).toThrow();
  });
});

describe("what a crowd was told", () => {
  test.each([
    [201, "sold"],
    [410, "soldOut"],
    [202, "undecided"],
    [503, "busy"],
    [403, "notOnSale"],
    [409, "fewerLeftOrLimitReached"],
    [429, "limited"],
    [404, "badRequest"],
    [500, "other"],
    [502, "other"],
    [200, "other"],
  ] as const)("%p is %p", (status, kind) => {
    expect(answerKind(status)).toBe(kind);
  });

  test("is counted to the last request, with the latencies of each kind apart", () => {
    const latenciesMs = new Map([
      [201, Float64Array.of(3, 1, 2)],
      [410, Float64Array.from({ length: 1_000 }, (_, i) => 1_000 - i)],
      [400, Float64Array.of(7)],
      [404, Float64Array.of(5)],
    ]);
    const errors = { timeout: 2, reset: 1 };
    const crowd = summarizeCrowd({ seconds: 2, latenciesMs, errors }, "oha");
    expect(crowd.sentBy).toBe("oha");
    const counts = { sold: 3, soldOut: 1_000, badRequest: 2, failed: 3 };
    expect(crowd.outcomes).toEqual({ ...noOutcomes, ...counts });
    expect(crowd.requests).toBe(1_008);
    expect(crowd.latencyMs).toEqual({
      sold: { p50: 2, p99: 3, p999: 3, max: 3 },
      soldOut: { p50: 500, p99: 990, p999: 999, max: 1_000 },
      badRequest: { p50: 5, p99: 7, p999: 7, max: 7 },
    });
  });

  test("a percentile is the smallest value that so many do not exceed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.99, 0.999, 1),
        (values, share) => {
          const sorted = Float64Array.from(values).sort();
          const found = percentile(sorted, share);
          expect(values).toContain(found);
          const within = (limit: number) => values.filter((value) => value <= limit).length;
          expect(within(found)).toBeGreaterThanOrEqual(share * values.length);
          expect(within(found - 1)).toBeLessThan(share * values.length);
        },
      ),
    );
  });

  test("is read from the database and the summary of oha 1.16", async () => {
    const [rows, summary] = [join(folder, "oha.sqlite"), join(folder, "oha.json")];
    const database = new Database(rows);
    database.run(
      "CREATE TABLE oha (url TEXT NOT NULL, start REAL NOT NULL, start_latency_correction REAL," +
        " end REAL NOT NULL, duration REAL NOT NULL, status INTEGER NOT NULL," +
        " len_bytes INTEGER NOT NULL, run INTEGER NOT NULL)",
    );
    database.run(
      "INSERT INTO oha VALUES ('/', 0, NULL, 0.5, 0.5, 201, 9, 1), ('/', 0, NULL, 1, 1, 410, 9, 1)," +
        " ('/', 0, NULL, 0.25, 0.25, 410, 9, 1)",
    );
    database.close();
    const json = { summary: { total: 1.5 }, errorDistribution: { timeout: 2 }, more: true };
    writeFileSync(summary, JSON.stringify(json));
    const read = () => oha.readResults(usual, { ...files, rows, summary }, "");
    const measured = await read();
    expect(measured).toMatchObject({ seconds: 1.5, errors: { timeout: 2 } });
    expect([...measured.latenciesMs].map(([status, all]) => [status, [...all]])).toEqual([
      [201, [500]],
      [410, [1_000, 250]],
    ]);
    writeFileSync(summary, JSON.stringify({ summary: {} }));
    await expect(read()).rejects.toThrow("oha 1.16");
  });
});

describe("h2load", () => {
  const byH2load: LoadOptions = { ...usual, generator: "h2load" };

  test("gets no more connections than requests, a time-out, and POST without a body", () => {
    const words = h2load.listArguments({ ...byH2load, connections: 50 }, files);
    expect(words).toContain("--clients=10");
    expect(words).toContain("--requests=10");
    expect(words).toContain("--header=:method: POST");
    expect(words).toContain("--connection-inactivity-timeout=5s");
    expect(words.join(" ")).not.toContain("--data");
    expect(h2load.listArguments({ ...byH2load, body: "{}" }, files)).toContain("--data=b");
  });

  test("shares a rate out so that all connections together keep it, and none is silent for long", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        (ratePerSecond, connections) => {
          const extent = { durationSeconds: 5 };
          const paced = { ...byH2load, extent, ratePerSecond, connections };
          const words = h2load.listArguments(paced, files);
          const numberOf = (name: string) =>
            Number(words.find((word) => word.startsWith(name))?.slice(name.length));
          const [clients, rps] = [numberOf("--clients="), numberOf("--rps=")];
          expect(clients).toBeLessThanOrEqual(connections);
          expect(clients * rps).toBeCloseTo(ratePerSecond, 3);
          expect(clients === 1 || rps >= 2).toBe(true);
        },
      ),
    );
  });

  const read = async (log: string, printed: string, options = byH2load) => {
    const rows = join(folder, "h2load.log");
    writeFileSync(rows, log);
    return h2load.readResults(options, { ...files, rows }, printed);
  };

  test("its log gives each status its own latencies, however it is cut into pieces", async () => {
    const row = fc.record({
      start: fc.integer({ min: 1, max: 2 ** 50 }),
      status: fc.constantFrom(-1, 201, 202, 403, 409, 410, 429, 503),
      micros: fc.integer({ min: 0, max: 60_000_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 3_000 }), fc.boolean(), async (rows, more) => {
        const extra = more ? "\tfurther\tcolumns" : "";
        const lines = rows.map(
          ({ start, status, micros }) => `${start}\t${status}\t${micros}${extra}\n`,
        );
        const count = rows.length;
        const measured = await read(lines.join(""), summaryOf(count, count, count));
        const statuses = [...new Set(rows.map(({ status }) => status))].filter((one) => one > 0);
        expect([...measured.latenciesMs.keys()]).toEqual(statuses.sort((a, b) => a - b));
        for (const [status, latencies] of measured.latenciesMs) {
          const expected = rows.filter((one) => one.status === status);
          expect([...latencies]).toEqual(expected.map(({ micros }) => micros / 1_000));
        }
        const lost = rows.filter(({ status }) => status === -1).length;
        expect(Object.values(measured.errors)).toEqual(lost === 0 ? [] : [lost]);
        const starts = rows.map(({ start }) => start);
        const ends = rows.map(({ start, micros }) => start + micros);
        const micros = count === 0 ? 0 : Math.max(...ends) - Math.min(...starts);
        expect(measured.seconds).toBeCloseTo(micros / 1_000_000, 3);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ["no log at all\n"],
    ["1\t410\n"],
    ["1\t410\t5\n2\t99\t5\n"],
    ["1\t410\tx\n"],
    ["1\t410\t5\n\n"],
    ["x".repeat(100_000)],
  ])("%p is refused, and the line is named", async (log) => {
    await expect(read(log, summaryOf(1, 1, 1))).rejects.toThrow(/^line \d of h2load's log is none/);
  });

  test("a log that was cut off is refused: what is missing was answered", async () => {
    const whole = "1\t201\t5\n2\t410\t7\n";
    expect((await read(whole, summaryOf(2, 2, 2))).errors).toEqual({});
    await expect(read(whole.slice(0, -3), summaryOf(2, 2, 2))).rejects.toThrow("1 of 2 requests");
    await expect(read("", summaryOf(2, 2, 2))).rejects.toThrow("0 of 2 requests");
    await expect(read(whole, "requests: many")).rejects.toThrow("summary has another form");
  });

  test("what has no answer is told apart: late, lost, never sent, cut off at the end", async () => {
    const log = "1\t201\t5\n2\t410\t7\n";
    expect((await read(log, summaryOf(10, 6, 2, 3))).errors).toEqual({
      "no answer within 5 s": 3,
      "its connection was lost": 1,
      "not sent: its connection was given up": 4,
    });
    const timed = { ...byH2load, extent: { durationSeconds: 2 } };
    expect((await read(log, summaryOf(2, 4, 2), timed)).errors).toEqual({
      "cut off at the end, or its connection was lost": 2,
    });
  });
});

describe("what the nodes answered", () => {
  const metrics = [
    "# TYPE sluice_requests_total counter",
    'sluice_requests_total{outcome="sold",node="node1"} 12',
    'sluice_requests_total{node="node1",outcome="soldOut"} 1.5e+3',
    'sluice_requests_total_other{outcome="sold"} 9',
    'sluice_left{sale="tickets"} 88',
  ].join("\n");

  test("is added up from their metrics", () => {
    expect(parseNodeCount(metrics)).toEqual({ answered: 1_512, sold: 12 });
  });

  test("is what came between two looks; a node that began anew counts from nought", () => {
    const before = new Map([
      ["steady", { answered: 10, sold: 4 }],
      ["again", { answered: 10, sold: 4 }],
      ["gone", { answered: 10, sold: 4 }],
    ]);
    const after = new Map([
      ["steady", { answered: 15, sold: 5 }],
      ["again", { answered: 3, sold: 2 }],
      ["new", { answered: 3, sold: 2 }],
    ]);
    expect([...countsBetween(before, after)]).toEqual([
      ["steady", { answered: 5, sold: 1 }],
      ["again", { answered: 3, sold: 2 }],
    ]);
  });
});

/** A program that does what `script` says, in place of a load generator. */
function fakeGenerator(script: string): string {
  const path = join(folder, "generator");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** What h2load prints at the end. */
function summaryOf(total: number, started: number, done: number, timedOut = 0): string {
  return (
    `\nfinished in 1.00s\nrequests: ${total} total, ${started} started, ${done} done, ` +
    `1 succeeded, ${total - 1} failed, ${total - done} errored, ${timedOut} timeout\n`
  );
}
