import { isSaleState, type SaleSnapshot } from "../sale/sale.ts";

const secretIdAt = 11;

/**
 * Reads the reply of read.lua, whose items 1 to 11 are
 * total, held, paid, limit, holdMs, opensAtMs, state, epoch, serial, nowMs, secretId.
 * A scheduled sale whose opening time has come, by the ledger's clock, is open.
 * Throws if the invariants of a sale do not hold.
 */
export function readSnapshot(sale: string, raw: readonly (string | number)[]): SaleSnapshot {
  const number = (index: number): number => Number(raw[index]);
  const [total, held, paid] = [number(1), number(2), number(3)];
  const [opensAtMs, nowMs] = [number(6), number(10)];
  const stored = String(raw[7]);
  const left = total - held - paid;
  if (!isSaleState(stored) || !Number.isSafeInteger(left) || left < 0 || held < 0 || paid < 0) {
    throw new Error(`sale ${sale}: its books are broken: ${JSON.stringify(raw)}`);
  }
  const due = stored === "scheduled" && opensAtMs > 0 && nowMs >= opensAtMs;
  return {
    sale,
    state: due ? "open" : stored,
    total,
    held,
    paid,
    left,
    limit: number(4),
    holdMs: number(5),
    opensAtMs,
    epoch: number(8),
    serial: number(9),
    secretId: String(raw[secretIdAt]),
  };
}
