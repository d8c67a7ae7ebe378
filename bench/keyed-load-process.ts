import { AnswerReader } from "./answer-reader.ts";

/**
 * A load generator for what oha cannot do: another Idempotency-Key in each request. Otherwise it
 * does as oha does: as many connections as it is told, kept alive, one request at a time on each.
 *
 *   bun bench/keyed-load-process.ts URL REQUESTS CONNECTIONS
 *
 * Prints `{"requests":n,"seconds":s,"statuses":{"410":n}}`; ends with 1 if a connection is lost.
 */
const [address = "", requestCount = "", connectionCount = ""] = Bun.argv.slice(2);
const url = new URL(address);
const requests = Number(requestCount);

/** 16 random digits make the keys of this run its own, 16 digits of a counter each one of them. */
const run = crypto.getRandomValues(new Uint8Array(8)).toHex();
const counterDigits = 16;
const request = Buffer.from(
  `POST ${url.pathname} HTTP/1.1\r\naccept: */*\r\nuser-agent: sluice-bench\r\n` +
    `host: ${url.host}\r\nidempotency-key: ${run}${"0".repeat(counterDigits)}\r\n\r\n`,
);
const counterEnd = request.length - 4;
const hexDigits = Buffer.from("0123456789abcdef");

const statuses = new Map<number, number>();
let sent = 0;
let answered = 0;
let startedNs = 0;

function send(socket: Bun.Socket<AnswerReader>): void {
  if (sent === requests) {
    return;
  }
  sent += 1;
  countUp();
  // Below 200 bytes on a connection that has nothing else under way: it is taken whole.
  if (socket.write(request) !== request.length) {
    fail("a request could not be written at once");
  }
}

/** The key's counter, in place: a string per request would be most of the generator's work. */
function countUp(): void {
  for (let place = counterEnd - 1; place >= counterEnd - counterDigits; place -= 1) {
    const next = hexDigits.indexOf(request[place] ?? 0) + 1;
    request[place] = hexDigits[next % 16] ?? 0;
    if (next < 16) {
      return;
    }
  }
}

function fail(reason: string): never {
  process.stderr.write(`keyed-load: ${reason}\n`);
  process.exit(1);
}

function count(status: number): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  answered += 1;
  if (answered === requests) {
    const seconds = (Bun.nanoseconds() - startedNs) / 1e9;
    const report = { requests, seconds, statuses: Object.fromEntries(statuses) };
    process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exit(0);
  }
}

const sockets = await Promise.all(
  Array.from({ length: Number(connectionCount) }, () =>
    Bun.connect<AnswerReader>({
      hostname: url.hostname,
      port: Number(url.port),
      data: new AnswerReader(),
      socket: {
        data: (socket, bytes) => {
          const status = socket.data.take(bytes);
          if (status !== null) {
            count(status);
            send(socket);
          }
        },
        close: () => fail("a connection was closed before its answer came"),
        error: (_, error) => fail(error.message),
      },
    }),
  ),
);
startedNs = Bun.nanoseconds();
sockets.forEach(send);
