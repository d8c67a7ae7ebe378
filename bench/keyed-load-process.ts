import { AnswerReader } from "./answer-reader.ts";
import { KeyedRequests } from "./keyed-requests.ts";

/**
 * A load generator for what oha cannot do: another Idempotency-Key, another X-Buyer-Id in each
 * request, and now and then those of an earlier one again. Otherwise it does as oha does: as many
 * connections as it is told, kept alive, one request at a time on each.
 *
 *   bun bench/keyed-load-process.ts URL REQUESTS CONNECTIONS [key][,buyer] REPLAY_EVERY
 *
 * Prints `{"requests":n,"seconds":s,"statuses":{"410":n}}`; ends with 1 if a connection is lost.
 */
const [address = "", requestCount = "", connectionCount = "", headers = "", replayEvery = ""] =
  Bun.argv.slice(2);
const url = new URL(address);
const requests = Number(requestCount);
const connections = Number(connectionCount);

const form = new KeyedRequests({
  url,
  key: headers.split(",").includes("key"),
  buyer: headers.split(",").includes("buyer"),
  replays: { every: Number(replayEvery), distance: 2 * connections },
});

const statuses = new Map<number, number>();
let sent = 0;
let answered = 0;
let startedNs = 0;

function send(socket: Bun.Socket<AnswerReader>): void {
  if (sent === requests) {
    return;
  }
  sent += 1;
  const request = form.next();
  // Below 300 bytes on a connection that has nothing else under way: it is taken whole.
  if (socket.write(request) !== request.length) {
    fail("a request could not be written at once");
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
  Array.from({ length: connections }, () =>
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
