import { readFileSync } from "node:fs";
import { join } from "node:path";

import { CommandError } from "../../src/operator/command.ts";
import { answersOk } from "./http-probe.ts";
import { findProgram, type Plan } from "./launch.ts";
import { nginxPrefix } from "./nginx-files.ts";
import { type StackOptions } from "./options.ts";
import type { ProcessRecord } from "./record.ts";

/** Nginx in a prefix of its own; `writeNginxPrefix` has laid it out. */
export function planNginx(options: StackOptions): Plan {
  const program = findProgram("nginx", "nginx");
  // Root's workers would become www-data, who may not look into root's directories. Everything
  // here is on loopback and serves no files. Anybody else must not name a user at all.
  const user = process.getuid?.() === 0 ? "user root; " : "";
  const prefix = nginxPrefix(options.stateDir);
  return {
    role: "nginx",
    name: "nginx",
    port: options.nginxPort,
    weight: null,
    command: [
      program,
      "-p",
      `${prefix}/`,
      "-c",
      "conf/nginx.conf",
      "-e",
      "logs/error.log",
      "-g",
      `${user}daemon off;`,
    ],
    environment: {},
    logPath: join(options.stateDir, "logs", "nginx.log"),
  };
}

/** Has Nginx read the configuration. Throws `CommandError` with its reasons. */
export function checkNginxConfiguration(plan: Plan): void {
  const { exitCode, stderr } = Bun.spawnSync([...plan.command, "-t", "-q"]);
  if (exitCode !== 0) {
    throw new CommandError(`nginx refuses its configuration:\n${stderr.toString().trimEnd()}`);
  }
}

/** Nginx writes its pid only after it has bound its ports, so it is ours that answers on them. */
export async function isNginxReady(started: ProcessRecord, stateDir: string): Promise<boolean> {
  const pid = readPid(join(nginxPrefix(stateDir), "nginx.pid"));
  return (
    pid === started.identity.pid && (await answersOk(`http://127.0.0.1:${started.port}/healthz`))
  );
}

function readPid(path: string): number | null {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    // Not written yet.
    return null;
  }
}
