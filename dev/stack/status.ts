import { SaleOperations } from "../../src/ledger/operations.ts";
import { OperationError } from "../../src/ledger/session.ts";
import type { SaleSnapshot } from "../../src/sale/sale.ts";
import { isRunning } from "../host/process-table.ts";
import { isReady } from "./readiness.ts";
import type { ProcessRecord, Role } from "./record.ts";
import { readStack, type Stack } from "./stack.ts";

export interface PartStatus {
  readonly name: string;
  readonly role: Role;
  readonly address: string;
  readonly weight: number | null;
  readonly pid: number;
  readonly running: boolean;
  readonly ready: boolean;
  /** 0 if it is not running. */
  readonly uptimeSeconds: number;
  readonly log: string;
}

/** What `./sluice status` shows; `--json` prints it as it is. */
export interface StackStatus {
  readonly stateDir: string;
  /** Whether every part runs and is ready. */
  readonly up: boolean;
  readonly url: string | null;
  readonly redis: string | null;
  readonly parts: readonly PartStatus[];
  /** The default sale, or null if it does not exist or the ledger does not answer. */
  readonly sale: SaleSnapshot | null;
  /** The id of the default sale. */
  readonly defaultSale: string | null;
}

const PART_ORDER: readonly Role[] = ["nginx", "node", "worker", "redis"];

/** Reads the state of every part of the stack, all at the same time and for a second at most. */
export async function readStatus(stateDir: string): Promise<StackStatus> {
  const stack = readStack(stateDir);
  if (stack === null) {
    const nothing = { up: false, url: null, redis: null, parts: [], sale: null, defaultSale: null };
    return { stateDir, ...nothing };
  }
  const { processes, options } = stack.record;
  const ordered = [...processes].sort(byPlace);
  const parts = await Promise.all(ordered.map((part) => readPart(part, stateDir)));
  const expected = options.weights.length + 3;
  const redisReady = parts.some((part) => part.role === "redis" && part.ready);
  return {
    stateDir,
    up: parts.length === expected && parts.every((part) => part.ready),
    url: stack.url,
    redis: stack.redisUrl,
    parts,
    sale: redisReady ? await readSale(stack) : null,
    defaultSale: options.sale,
  };
}

function byPlace(left: ProcessRecord, right: ProcessRecord): number {
  const roles = PART_ORDER.indexOf(left.role) - PART_ORDER.indexOf(right.role);
  return roles === 0 ? left.port - right.port : roles;
}

async function readPart(part: ProcessRecord, stateDir: string): Promise<PartStatus> {
  const running = isRunning(part.identity);
  return {
    name: part.name,
    role: part.role,
    address: `127.0.0.1:${part.port}`,
    weight: part.weight,
    pid: part.identity.pid,
    running,
    ready: running && (await isReady(part, stateDir)),
    uptimeSeconds: running ? Math.floor((Date.now() - part.startedAtMs) / 1_000) : 0,
    log: part.logPath,
  };
}

async function readSale(stack: Stack): Promise<SaleSnapshot | null> {
  const operations = new SaleOperations(stack.redisUrl);
  try {
    return await operations.read(stack.record.options.sale);
  } catch (error) {
    if (error instanceof OperationError) {
      return null;
    }
    throw error;
  } finally {
    operations.close();
  }
}
