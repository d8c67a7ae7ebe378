/** What a proxy does to one command or to its reply. */
export type Fault =
  | { readonly kind: "pass" }
  /** Late by so much in either direction; what follows on the connection waits behind it. */
  | { readonly kind: "delay"; readonly requestMs: number; readonly replyMs: number }
  /** Executed; its reply and all later ones of this connection never arrive. */
  | { readonly kind: "loseReply" }
  /** Executed; half of the reply arrives, then the connection is cut. */
  | { readonly kind: "truncateReply" }
  /** The connection is cut before the command reaches Redis. */
  | { readonly kind: "cutBefore" }
  /** Executed; the connection is cut before the reply. */
  | { readonly kind: "cutAfter" }
  /**
   * The command is under way for so long, and arrives even if its sender has closed the
   * connection meanwhile. `null`: until `deliverHeldBack`.
   */
  | { readonly kind: "holdBack"; readonly releaseMs: number | null };

export type FaultKind = Fault["kind"];
export const pass: Fault = { kind: "pass" };
