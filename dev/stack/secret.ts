import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readInheritedEnvironment } from "./config.ts";

const SECRET_BYTES = 32;

/** The secret of the payment system: the operator's, or the stack's own. */
export function paymentSecretOf(stateDir: string): string {
  return readInheritedEnvironment("node")["SLUICE_PAYMENT_SECRET"] ?? keepPaymentSecret(stateDir);
}

/** The secret that signs payment confirmations: made up once, and kept for the next start. */
function keepPaymentSecret(stateDir: string): string {
  const path = join(stateDir, "payment-secret");
  if (!existsSync(path)) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    writeFileSync(path, randomBytes(SECRET_BYTES).toString("hex"), { mode: 0o600, flag: "wx" });
  }
  return readFileSync(path, "utf8").trim();
}
