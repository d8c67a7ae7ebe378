import { parseArgs } from "node:util";

import { Buyer } from "./buyer.ts";
import { CrowdCounts } from "./crowd-counts.ts";
import { epochMs, readCount, stopOfInput } from "./stop.ts";

/**
 * `buyers.ts HOST PORT SALE [OPTIONS]`
 *
 * A crowd of honest buyers, each with a name and on a connection of its own and each purchase with a key
 * of its own, until the number of purchases is reached, the sale is sold out (--until-sold-out), the time
 * is over or standard input is closed. Purchases under way then are brought to their end. Prints a line
 * of JSON when --warm purchases have been answered, and one at the end, see `CrowdCounts`.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: "string", default: "20" },
    requests: { type: "string", default: "100000" },
    limit: { type: "string", default: "300" },
    /** Purchases a second, all together. */
    rate: { type: "string", default: "100000" },
    warm: { type: "string", default: "1" },
    timeout: { type: "string", default: "5000" },
    settle: { type: "string", default: "60" },
    header: { type: "string", multiple: true, default: [] },
    "until-sold-out": { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    once: { type: "boolean", default: false },
  },
});
const [host = "", port = "", sale = ""] = positionals;
const connections = readCount("connections", values.connections, 1_000);
const requests = readCount("requests", values.requests, 1_000_000);
const limitMs = readCount("limit", values.limit, 100_000) * 1_000;
const stepMs = 1_000 / readCount("rate", values.rate, 100_000);
const warm = readCount("warm", values.warm, requests);
const timeoutMs = readCount("timeout", values.timeout, 600_000);
const settleMs = values.once ? 0 : readCount("settle", values.settle, 100_000) * 1_000;
const headers = Object.fromEntries(
  values.header.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  }),
);

const counts = new CrowdCounts();
const stop = stopOfInput();
const beganMs = epochMs();
/** Keys and names of two crowds at one sale must differ. */
const prefix = `${process.pid}-${Math.floor(beganMs)}`;
let taken = 0;
let nextMs = beganMs;
let soldOut = false;

function goesOn(): boolean {
  const over = stop.aborted || epochMs() - beganMs >= limitMs;
  return !over && taken < requests && !(values["until-sold-out"] && soldOut);
}

/** Waits for one's turn. What an outage held up is not made up for in a rush. */
async function takeTurn(): Promise<void> {
  nextMs = Math.max(nextMs + stepMs, epochMs());
  const waitMs = nextMs - epochMs();
  if (waitMs > 0.5) {
    await Bun.sleep(waitMs);
  }
}

let warmed = false;
async function stay(name: string): Promise<void> {
  const server = { host, port: Number(port) };
  const patience = { connectMs: timeoutMs, answerMs: timeoutMs };
  const buyer = new Buyer(
    { server, sale, patience, fresh: values.fresh, settleMs, name, headers },
    counts,
  );
  while (goesOn()) {
    taken += 1;
    const key = `${prefix}-${taken}`;
    await takeTurn();
    soldOut = (await buyer.buy(key)) === "soldOut" || soldOut;
    if (!warmed && counts.answers >= warm) {
      warmed = true;
      console.log(JSON.stringify({ warmMs: Math.round(epochMs()), answers: counts.answers }));
    }
  }
  buyer.close();
}

const names = Array.from({ length: connections }, (_, index) => `${prefix}-b${index + 1}`);
await Promise.all(names.map(stay));
console.log(JSON.stringify(counts.summarize(beganMs, epochMs())));
process.exit(0);
