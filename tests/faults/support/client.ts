import type { Completion, History, Invocation, RequestName } from "./history.ts";

/** Far beyond every deadline of a node: a client that gets no answer within it was forgotten. */
const answerTimeoutMs = 15_000;

/** What fetch calls a connection that was never made: nothing was sent. */
const refused: ReadonlySet<string> = new Set(["ConnectionRefused", "ECONNREFUSED"]);

interface Answer {
  readonly code: number;
  readonly data: {
    readonly order?: string;
    readonly serial?: number;
    readonly quantity?: number;
    readonly left?: number;
    readonly key?: string;
  } | null;
}

export const anyone: Invocation = { key: null, buyer: "", quantity: 1 };

/** Buys at one node and enters what came of it into the history. Never rejects for a fault. */
export async function buy(
  history: History,
  url: string,
  sale: string,
  invocation: Invocation,
): Promise<Completion> {
  const { key, buyer, quantity } = invocation;
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (key !== null) {
    headers["Idempotency-Key"] = key;
  }
  if (buyer !== "") {
    headers["X-Buyer-Id"] = buyer;
  }
  try {
    const response = await fetch(`${url}/sales/${sale}/orders`, {
      method: "POST",
      headers,
      body: JSON.stringify({ quantity }),
      // A connection for each request: none is reused, so none is silently tried twice.
      keepalive: false,
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    const answer = (await response.json()) as Answer;
    return history.add(invocation, completionOf(response.status, answer, key));
  } catch (error) {
    const { name, code = name } = error as Error & { code?: string };
    return history.add(
      invocation,
      refused.has(code)
        ? { kind: "fail", status: 0, code: 0 }
        : { kind: "unknown", why: code, key },
    );
  }
}

/** What became of a buyer's key, or "undecided" while the node cannot say. */
export async function askRequestStatus(
  url: string,
  sale: string,
  { buyer, key }: RequestName,
): Promise<{ order: string | null } | "undecided"> {
  const path = `/sales/${sale}/requests/${encodeURIComponent(key)}`;
  const response = await fetch(url + path, {
    headers: buyer === "" ? {} : { "X-Buyer-Id": buyer },
    keepalive: false,
    signal: AbortSignal.timeout(answerTimeoutMs),
  });
  const answer = (await response.json()) as Answer;
  switch (response.status) {
    case 200:
      return { order: answer.data?.order ?? "an answer without an order" };
    case 404:
      return { order: null };
    default:
      return "undecided";
  }
}

function completionOf(status: number, { code, data }: Answer, key: string | null): Completion {
  if (status === 201) {
    const { order = "", serial = 0, quantity = 0 } = data ?? {};
    return { kind: "ok", order, serial, quantity };
  }
  if (status === 202) {
    return { kind: "unknown", why: "202", key: data?.key ?? key };
  }
  if (status === 500) {
    return { kind: "unknown", why: "500", key };
  }
  return data?.left === undefined
    ? { kind: "fail", status, code }
    : { kind: "fail", status, code, left: data.left };
}
