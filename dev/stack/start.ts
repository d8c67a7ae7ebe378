import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { type ReportLine } from "../host/report-line.ts";
import { awaitReady, launch, type Plan } from "./launch.ts";
import { makeCacheDir, writeNginxPrefix } from "./nginx-files.ts";
import { checkNginxConfiguration, planNginx } from "./nginx.ts";
import { planNodes } from "./nodes.ts";
import { checkOptions, type StackOptions } from "./options.ts";
import { checkPortsFree } from "./ports.ts";
import { isReady } from "./readiness.ts";
import {
  listRunning,
  type ProcessRecord,
  readRecord,
  type Role,
  type StackRecord,
  withProcess,
  writeRecord,
} from "./record.ts";
import { planRedis, redisDataDir } from "./redis.ts";
import { paymentSecretOf } from "./secret.ts";
import { stopRecorded } from "./stop.ts";
import { ownDatabasePath, planWorker } from "./worker.ts";

/** Redis reads its whole append-only file first: a million orders take seconds. */
const READY_MS: Readonly<Record<Role, number>> = {
  redis: 60_000,
  worker: 20_000,
  node: 20_000,
  nginx: 10_000,
};

/** Starts all parts, the ledger first. What was started is stopped again if one part fails. */
export async function startParts(options: StackOptions, report: ReportLine): Promise<StackRecord> {
  checkOptions(options);
  await clearEarlier(options.stateDir, report);
  const redis = planRedis(options);
  const nginx = planNginx(options);
  await checkPortsFree(options);

  prepareDirectories(options);
  const starter = new Starter(options, makeCacheDir());
  try {
    writeNginxPrefix(options, starter.record.cacheDir);
    checkNginxConfiguration(nginx);
    await starter.start(redis);
    report("redis is ready");
    const processes = [planWorker(options), ...planNodes(options)];
    await Promise.all(processes.map((process) => starter.start(process)));
    report("worker and nodes are ready");
    await starter.start(nginx);
    report("nginx is ready");
  } catch (error) {
    report("a part failed to start; stopping the others");
    await stopRecorded(starter.record, () => {});
    throw error;
  }
  return starter.record;
}

/** Starts a process again that has ended, as it was started before. */
export async function startAgain(record: StackRecord, known: ProcessRecord): Promise<StackRecord> {
  const starter = new Starter(record.options, record.cacheDir, record);
  const { identity: _identity, startedAtMs: _startedAtMs, ...plan } = known;
  await starter.start(plan);
  return starter.record;
}

/** Writes down each process as soon as it runs, so that nothing is lost sight of. */
class Starter {
  record: StackRecord;
  readonly #secrets: Record<string, string>;

  constructor(options: StackOptions, cacheDir: string | null, earlier: StackRecord | null = null) {
    this.record = earlier ?? {
      version: 1,
      options,
      startedAtMs: Date.now(),
      cacheDir,
      processes: [],
    };
    this.#secrets = { SLUICE_PAYMENT_SECRET: paymentSecretOf(options.stateDir) };
    writeRecord(this.record);
  }

  async start(plan: Plan): Promise<void> {
    const started = launch(plan, plan.role === "node" ? this.#secrets : {});
    this.record = withProcess(this.record, started);
    writeRecord(this.record);
    const { stateDir } = this.record.options;
    await awaitReady(started, READY_MS[plan.role], () => isReady(started, stateDir));
  }
}

/** A whole stack is an error; what a crash or a reboot left of one is cleared away. */
async function clearEarlier(stateDir: string, report: ReportLine): Promise<void> {
  const earlier = readRecord(stateDir);
  if (earlier === null) {
    return;
  }
  const running = listRunning(earlier);
  if (running.length > 0 && running.length === earlier.processes.length) {
    const { nginxPort } = earlier.options;
    throw new CommandError(
      `the stack is already up, on http://127.0.0.1:${nginxPort}. ` +
        '"./sluice status" shows it, "./sluice down" stops it',
    );
  }
  const gone = earlier.processes.filter((known) => !running.includes(known));
  report(
    `an earlier stack was not stopped properly (not running: ` +
      `${gone.map((known) => known.name).join(", ") || "all of it"}); clearing away what is left`,
  );
  await stopRecorded(earlier, report);
}

function prepareDirectories(options: StackOptions): void {
  const dataDir = redisDataDir(options.stateDir);
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  if (options.fresh) {
    rmSync(dataDir, { recursive: true, force: true });
    for (const suffix of ["", "-wal", "-shm"]) {
      rmSync(ownDatabasePath(options.stateDir) + suffix, { force: true });
    }
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  mkdirSync(join(options.stateDir, "logs"), { recursive: true, mode: 0o700 });
}
