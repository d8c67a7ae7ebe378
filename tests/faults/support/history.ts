/** What a client asked for. */
export interface Invocation {
  /** The client's own Idempotency-Key, or null. */
  readonly key: string | null;
  /** Empty where the request named no buyer. */
  readonly buyer: string;
  readonly quantity: number;
}

/** What the client knows afterwards. */
export type Completion =
  /** 201: it has the order. */
  | {
      readonly kind: "ok";
      readonly order: string;
      readonly serial: number;
      readonly quantity: number;
    }
  /** It was refused: it has no order and never will, by this request. `status` 0: not even sent. */
  | {
      readonly kind: "fail";
      readonly status: number;
      readonly code: number;
      readonly left?: number;
    }
  /** 202, 500, a broken connection or no answer in time: either. `key` is the one to ask with. */
  | { readonly kind: "unknown"; readonly why: string; readonly key: string | null };

export interface Operation extends Invocation {
  readonly completion: Completion;
}

/** What a request is known by: a key belongs to its buyer. */
export interface RequestName {
  readonly buyer: string;
  readonly key: string;
}

/** What `GET /sales/{sale}/requests/{key}` said when all was quiet again. */
export interface RequestStatus extends RequestName {
  /** Null: the key has no order. */
  readonly order: string | null;
}

/** Everything that the clients of one sale did and were told. */
export class History {
  readonly operations: Operation[] = [];
  readonly requestStatuses: RequestStatus[] = [];

  add(invocation: Invocation, completion: Completion): Completion {
    this.operations.push({ ...invocation, completion });
    return completion;
  }

  /** Operations by what came of them, e.g. `count("fail", 410)`. */
  count(kind: Completion["kind"], status?: number): number {
    return this.operations.filter(
      ({ completion }) =>
        completion.kind === kind &&
        (status === undefined || (completion.kind === "fail" && completion.status === status)),
    ).length;
  }

  /** Whose status is open: requests that nobody could answer, each once. */
  unknownRequests(): RequestName[] {
    const requests = new Map<string, RequestName>();
    for (const { buyer, completion } of this.operations) {
      if (completion.kind === "unknown" && completion.key !== null) {
        const { key } = completion;
        requests.set(`${buyer}\t${key}`, { buyer, key });
      }
    }
    return [...requests.values()];
  }

  /** For the message of a failing test. */
  summary(): string {
    const counts = new Map<string, number>();
    for (const { completion } of this.operations) {
      const { kind } = completion;
      const name =
        kind === "fail"
          ? `fail ${completion.status}`
          : kind === "unknown"
            ? `unknown ${completion.why}`
            : kind;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts].map(([name, count]) => `${name}: ${count}`).join(", ");
  }
}
